"""Writes tickets as JSONL: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from data.errors import PaidanError
from data.whole_file import replacing


class TicketLinesError(PaidanError):
    """A file of sample tickets cannot be written; one that was there before is as it was."""


def write_ticket_lines(path: Path, tickets: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line; the file takes the place of an older one in one step.

    Raises:
        TicketLinesError: the folder is not writable, or the disk is full.
    """
    try:
        with replacing(path) as scratch, scratch.open("wb") as file:
            for ticket in tickets:
                file.write(orjson.dumps(ticket, option=orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise TicketLinesError(
            f"the tickets cannot be written ({error.strerror})",
            where=str(path),
            fix="Name a file in a folder that can be written, with some space left.",
        ) from error
