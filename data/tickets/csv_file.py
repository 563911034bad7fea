"""Ticket files in CSV, also compressed."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from data.tickets.byte_files import ByteFile, detect_encoding, garbled, reading_faults
from data.tickets.source import RawRow, TicketFileError

_END = "\x1eend of file\x1e"
"""A line put after the last one: where a quote is not closed, it ends up in a field."""
_OPEN_QUOTE = "a field that does not end: perhaps a quote is not closed"
_DELIMITERS = (",", "\t", ";", "|")


class CsvFile:
    """A CSV file in UTF-8, GB18030 or UTF-16; the delimiter is the one that its header uses most."""

    open_ended = False

    def __init__(self, path: Path) -> None:
        """Read the header; raise TicketFileError if there is none."""
        self._path = path
        self._encoding = detect_encoding(path)
        self._file: ByteFile | None = None
        with reading_faults(path), closing(ByteFile(path)) as file:
            text = self._decode(file)
            first_line = next((line for line in text if line.strip()), "")
        self._delimiter = max(_DELIMITERS, key=first_line.count)
        with closing(self._records()) as records:
            _, header = next(records, (0, []))
        self.headers = () if isinstance(header, str) else tuple(name.strip() for name in header)
        if any("\0" in name for name in self.headers):
            raise garbled(path)  # such as UTF-16 without its mark
        if not any(self.headers):
            raise TicketFileError("has no header row", where=str(path))

    def rows(self) -> Iterator[RawRow]:
        """Yield the data rows; one with another number of fields than the header is broken."""
        width = len(self.headers)
        records = self._records()
        next(records, None)
        for number, fields in records:
            if isinstance(fields, str):
                yield RawRow(number, {}, fields)
            elif len(fields) != width:
                yield RawRow(number, {}, f"{len(fields)} fields where the header has {width}")
            else:
                # Of headers that occur twice, check_headers refuses those that are mapped.
                yield RawRow(number, dict(zip(self.headers, fields, strict=True)))

    def progress(self) -> float:
        """Return the share of the file that has been read."""
        return self._file.progress() if self._file else 0.0

    def _decode(self, file: ByteFile) -> io.TextIOWrapper:
        return io.TextIOWrapper(file.stream, self._encoding, errors="surrogateescape", newline="")

    def _records(self) -> Generator[tuple[int, list[str] | str], None, None]:
        """Yield the number and fields of each record that is not blank; or what is wrong with it."""
        with reading_faults(self._path), closing(ByteFile(self._path)) as self._file:
            text = self._decode(self._file)  # held here, so that it is not dropped before the file is closed
            reader = csv.reader(chain(text, [_END]), delimiter=self._delimiter)
            number = 0
            while True:
                number += 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    # The reader begins anew with the next line.
                    yield number, f"{_OPEN_QUOTE} before line {reader.line_num}"
                    continue
                if fields[-1:] and fields[-1].endswith(_END):
                    if fields != [_END]:
                        yield number, f"{_OPEN_QUOTE}, up to the end of the file"
                    return
                if any(field.strip() for field in fields):
                    yield number, fields
