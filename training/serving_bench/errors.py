"""What can go wrong in a benchmark run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from data.errors import PaidanError

_ADDRESS = re.compile(r"\w+://\S+")
_FOLDERS = re.compile(r"(?:/[\w.+-]+){2,}/")
_LONGEST = 200


class BenchmarkError(PaidanError):
    """A part of the benchmark cannot run."""


class PeerMissing(BenchmarkError):
    """A peer cannot be installed or does not start here; its row says why."""


def last_words(printed: Iterable[str]) -> str:
    """Return the last line that a process printed, fit for a report: without folders and addresses."""
    lines = [line.strip() for line in printed if line.strip()]
    if not lines:
        return "it printed nothing"
    return _FOLDERS.sub("…/", _ADDRESS.sub("…", lines[-1]))[:_LONGEST]
