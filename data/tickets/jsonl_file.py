"""Ticket files with one JSON object a line, also compressed: the shape of the API's requests."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import islice
from pathlib import Path

import orjson

from data.tickets.byte_files import ByteFile, detect_encoding, reading_faults
from data.tickets.source import RawRow, TicketFileError, flatten

_LINES_LOOKED_AT = 200
_BOM = b"\xef\xbb\xbf"


class JsonlFile:
    """A JSONL file in UTF-8 or GB18030. Its headers are the keys of the first 200 lines."""

    open_ended = True

    def __init__(self, path: Path) -> None:
        """Read the first lines; raise TicketFileError if none of them is a JSON object."""
        self._path = path
        self._encoding = detect_encoding(path)
        self._file: ByteFile | None = None
        with closing(self.rows()) as rows:
            first = list(islice(rows, _LINES_LOOKED_AT))
        self.headers = tuple(dict.fromkeys(key for row in first for key in row.values))
        if not self.headers:
            raise TicketFileError(
                "its first lines hold no JSON objects",
                where=str(path),
                expected='a line for each ticket, like {"ticket_id": "1", "text": "..."}',
            )

    def rows(self) -> Generator[RawRow, None, None]:
        """Yield a row for each line that is not blank; one that is no JSON object is broken."""
        with reading_faults(self._path), closing(ByteFile(self._path)) as self._file:
            for number, line in enumerate(self._file.stream, start=1):
                content = line.removeprefix(_BOM) if number == 1 else line
                if content.strip():
                    yield self._row(number, content)

    def progress(self) -> float:
        """Return the share of the file that has been read."""
        return self._file.progress() if self._file else 0.0

    def _row(self, number: int, line: bytes) -> RawRow:
        try:
            record = orjson.loads(line if self._encoding == "utf-8-sig" else line.decode(self._encoding))
        except (orjson.JSONDecodeError, UnicodeDecodeError):
            return RawRow(number, {}, "not valid JSON")
        if not isinstance(record, dict):
            return RawRow(number, {}, "not a JSON object")
        return RawRow(number, flatten(record))
