"""Write lists for people (CSV that a spreadsheet opens) and for programs (JSONL), whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from data.whole_file import replacing
from training.errors import TrainingError

Cell = str | int | float | bool | None


def write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write rows under their headers, UTF-8 with mark; return how many there were.

    Raises:
        TrainingError: the file cannot be written.
    """
    count = 0
    with _replacing(path) as scratch, scratch.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(headers)
        for row in rows:
            writer.writerow([_plain(cell) for cell in row])
            count += 1
    return count


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write one record a line; return how many there were.

    Raises:
        TrainingError: the file cannot be written.
    """
    count = 0
    with _replacing(path) as scratch, scratch.open("wb") as handle:
        for record in records:
            _line(handle, record)
            count += 1
    return count


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write one document.

    Raises:
        TrainingError: the file cannot be written.
    """
    with _replacing(path) as scratch:
        scratch.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def write_text(path: Path, text: str) -> None:
    """Write a text.

    Raises:
        TrainingError: the file cannot be written.
    """
    with _replacing(path) as scratch:
        scratch.write_text(text, "utf-8")


def _line(handle: IO[bytes], record: Mapping[str, Any]) -> None:
    handle.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _plain(cell: Cell) -> Cell:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    try:
        with replacing(path) as scratch:
            yield scratch
    except OSError as error:
        raise TrainingError(
            f"cannot be written ({error.strerror or error})",
            where=str(path),
            fix="Name a folder that can be written, with some space left; an older file is still there.",
        ) from error
