"""A file that keeps decisions while the database cannot."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from shutil import copyfile
from time import time_ns
from typing import Any
from zlib import crc32

import orjson
import structlog

from data.errors import PaidanError

log = structlog.get_logger(__name__)


class WriteAheadError(PaidanError):
    """The file cannot be used."""


class WriteAheadFile:
    """Rows in the order they came, on disk before `append` returns, and never more than `max_bytes` of them.

    A line is eight hex digits of CRC-32, a space and JSON. A process that dies while writing leaves a torn
    last line: it was never acknowledged, and is cut off when the file is opened. A line that a disk damaged
    costs none but itself. Rows that were forgotten
    leave the file once all of them are; a process that dies before sees them again. Safe to use from several
    threads, by one process: a lock keeps others out.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+", buffering=0)  # what a full disk refused must not come again later
        except OSError as error:
            raise WriteAheadError(
                f"cannot be opened ({error.strerror})",
                where=str(path),
                fix="Decisions wait there while the database is down: name another place by the setting "
                "write_ahead_file.",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise WriteAheadError(
                "another process uses the file",
                where=str(path),
                fix="Give each its own by the setting write_ahead_file.",
            ) from None
        self._path = path
        self._start = 0  # before it, all rows are forgotten
        self._rows, self._size = self._mend()

    def _mend(self) -> tuple[int, int]:
        """Take out what is no sound line; return the number of lines and bytes that stay.

        Where sound lines follow, that is damage and no torn end: the file as it was is kept beside.
        """
        rows = size = 0
        later: list[bytes] = []
        with self._path.open("rb") as file:
            for line in file:
                if _read(line) is None:
                    later = [line for line in file if _read(line) is not None]
                    break
                rows, size = rows + 1, size + len(line)
        if later:
            self._set_aside()
        self._file.truncate(size)
        if later:
            self._file.write(b"".join(later))
            os.fsync(self._file.fileno())
        return rows + len(later), size + sum(map(len, later))

    def _set_aside(self) -> None:
        copy = self._path.with_name(f"{self._path.name}.damaged-{time_ns()}")
        try:
            copyfile(self._path, copy)
        except OSError as error:
            self._file.close()
            raise WriteAheadError(
                f"is damaged, and cannot be copied before it is mended ({error.strerror})",
                where=str(self._path),
                fix="Make room beside it: a damaged file may hold decisions that somebody can still read.",
            ) from error
        log.error("write_ahead_damaged", copy=copy.name)

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: list[dict[str, Any]]) -> bool:
        """Add rows and wait until the disk has them; False, and nothing added, if there is no room."""
        lines = b"".join(_line(row) for row in rows)
        with self._lock:
            if self._size + len(lines) > self._max_bytes:
                return False
            try:
                if os.fstat(self._file.fileno()).st_size != self._size:  # what could not be cut off before
                    self._file.truncate(self._size)
                whole = self._file.write(lines) == len(lines)
                os.fsync(self._file.fileno())
            except OSError:
                whole = False
            if not whole:
                with suppress(OSError):  # the next one tries again
                    self._file.truncate(self._size)
                return False
            self._rows += len(rows)
            self._size += len(lines)
        return True

    def read(self, most: int) -> list[dict[str, Any]]:
        """Return the oldest rows, at most so many; they stay until `forget`."""
        with self._lock:
            return [row for row, _ in self._oldest(most)]

    def forget(self, count: int) -> None:
        """Drop the oldest `count` rows."""
        with self._lock:
            dropped = self._oldest(count)
            self._start += sum(length for _, length in dropped)
            self._rows -= len(dropped)
            if self._start == self._size:
                self._file.truncate(0)
                self._start = self._size = 0

    def _oldest(self, most: int) -> list[tuple[dict[str, Any], int]]:
        """Return the oldest rows with the lengths of their lines."""
        found: list[tuple[dict[str, Any], int]] = []
        with self._path.open("rb") as file:
            file.seek(self._start)
            for line in islice(file, most):
                row = _read(line)
                if row is None:
                    break
                found.append((row, len(line)))
        return found

    def close(self) -> None:
        """Close the file; its rows stay."""
        self._file.close()


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
    try:
        row: dict[str, Any] = orjson.loads(content)
        return {key: _value(value) for key, value in row.items()}
    except (ValueError, TypeError, AttributeError):  # no row, though its checksum is right
        return None


def _value(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"at"}:
        return datetime.fromisoformat(value["at"])
    return value
