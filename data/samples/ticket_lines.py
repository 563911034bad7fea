"""Writes tickets as JSONL: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from data.errors import PaidanError


class TicketLinesError(PaidanError):
    """A file of sample tickets cannot be written; one that was there before is as it was."""


def write_ticket_lines(path: Path, tickets: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line to a temporary file beside `path`, then put it in its place.

    Raises:
        TicketLinesError: the folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            for ticket in tickets:
                file.write(orjson.dumps(ticket, option=orjson.OPT_APPEND_NEWLINE))
        temporary.replace(path)
    except OSError as error:
        raise TicketLinesError(
            f"the tickets cannot be written ({error.strerror})",
            where=str(path),
            fix="Name a file in a folder that exists and has room.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
