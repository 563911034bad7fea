"""A file that keeps decisions while the database cannot."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson


class WriteAheadFile:
    """Rows in the order they came, on disk before `append` returns, and never more than `max_bytes` of them.

    A line is eight hex digits of CRC-32, a space and JSON. A process that dies while writing leaves a torn
    last line: it was never acknowledged, and is cut off when the file is opened. Safe to use from several
    threads, by one process.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._file = path.open("ab+")
        self._rows, self._size = self._mend()

    def _mend(self) -> tuple[int, int]:
        """Cut off what follows the last sound line; return the number of lines and bytes."""
        self._file.seek(0)
        rows = size = 0
        for line in self._file:
            if _read(line) is None:
                break
            rows, size = rows + 1, size + len(line)
        self._file.truncate(size)
        return rows, size

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: list[dict[str, Any]]) -> bool:
        """Add rows and wait until the disk has them; False, and nothing added, if there is no room."""
        lines = b"".join(_line(row) for row in rows)
        with self._lock:
            if self._size + len(lines) > self._max_bytes:
                return False
            try:
                self._file.write(lines)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(self._size)
                return False
            self._rows += len(rows)
            self._size += len(lines)
        return True

    def read(self, most: int) -> list[dict[str, Any]]:
        """Return the oldest rows, at most so many; they stay until `forget`."""
        with self._lock, self._path.open("rb") as file:
            found: list[dict[str, Any]] = []
            for line in file:
                row = _read(line)
                if row is None or len(found) == most:
                    break
                found.append(row)
            return found

    def forget(self, count: int) -> None:
        """Drop the oldest `count` rows, in one step."""
        with self._lock:
            scratch = self._path.with_name(f".{self._path.name}.new")
            with self._path.open("rb") as old, scratch.open("wb") as new:
                kept = list(_after(old, count))
                new.writelines(kept)
                new.flush()
                os.fsync(new.fileno())
            scratch.replace(self._path)
            self._file.close()
            self._file = self._path.open("ab+")
            self._rows, self._size = len(kept), sum(map(len, kept))

    def close(self) -> None:
        """Close the file; its rows stay."""
        self._file.close()


def _after(lines: Iterator[bytes] | Any, count: int) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number >= count:
            yield line


def _line(row: dict[str, Any]) -> bytes:
    content = orjson.dumps(
        {
            key: {"at": value.isoformat()} if isinstance(value, datetime) else value
            for key, value in row.items()
        }
    )
    return b"%08x %s\n" % (crc32(content), content)


def _read(line: bytes) -> dict[str, Any] | None:
    """Return the row of a line; None if the line is torn."""
    checksum, _, content = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % crc32(content):
        return None
    row: dict[str, Any] = orjson.loads(content)
    return {key: _value(value) for key, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"at"}:
        return datetime.fromisoformat(value["at"])
    return value
