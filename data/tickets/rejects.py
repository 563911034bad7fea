"""Rows that cannot be used, and the file that lists them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TextIO

from data.tickets.source import TicketFileError
from data.whole_file import replacing


class RejectReason(StrEnum):
    """Why a row cannot be used."""

    BROKEN_ROW = "broken_row"
    UNDECODABLE = "undecodable"
    EMPTY_TEXT = "empty_text"
    NO_WORDS = "no_words"
    TEXT_TOO_SHORT = "text_too_short"
    TEXT_TOO_LONG = "text_too_long"
    MISSING_ID = "missing_id"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_TEXT = "duplicate_text"
    BAD_DATE = "bad_date"
    BAD_LOCATION = "bad_location"
    MISSING_UNIT = "missing_unit"
    UNKNOWN_UNIT = "unknown_unit"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, and why.

    `row` is numbered as in RawRow. `column` is the header at fault, None if it is the row as a whole.
    `detail` is a clause in English and never holds anything of the ticket's text.
    """

    row: int
    column: str | None
    reason: RejectReason
    detail: str = ""
    ticket_id: str | None = None


class RejectSink(Protocol):
    """Whatever takes rejects."""

    def write(self, reject: Reject) -> None:
        """Take one reject."""
        ...


class _CsvSink:
    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._writer = csv.writer(file)
        self._writer.writerow(["row", "column", "reason", "detail", "ticket_id"])

    def write(self, reject: Reject) -> None:
        row = [reject.row, reject.column or "", reject.reason, reject.detail, _plain(reject.ticket_id or "")]
        try:
            self._writer.writerow(row)
        except OSError as error:
            raise _cannot_write(self._path, error) from error


class _NoSink:
    def write(self, reject: Reject) -> None:
        pass


@contextmanager
def rejects_file(path: Path | None) -> Iterator[RejectSink]:
    """Write a CSV of rejects (UTF-8 with mark, so that Excel reads it); None writes nothing.

    It takes its place only when all went well: until then, an older file of that name stays.
    """
    if path is None:
        yield _NoSink()
        return
    try:
        with replacing(path) as scratch, scratch.open("w", encoding="utf-8-sig", newline="") as file:
            yield _CsvSink(path, file)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> TicketFileError:
    return TicketFileError(f"cannot be written ({error.strerror or error})", where=str(path))


def _plain(text: str) -> str:
    """Keep a spreadsheet from taking an id for a formula, and a broken one from being a text."""
    short = text if len(text) <= 64 else f"{text[:16]}..."
    return f"'{short}" if short.startswith(("=", "+", "-", "@")) else short
