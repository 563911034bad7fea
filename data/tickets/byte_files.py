"""Open a text file that may be compressed, and find out its encoding."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from data.tickets.source import TicketFileError

_GZIP_MAGIC = b"\x1f\x8b"
_FOREIGN_MAGIC = {
    b"PK\x03\x04": ("an Excel workbook or a ZIP file", "Rename it to .xlsx, or unpack it."),
    b"\xd0\xcf\x11\xe0": ("an old or encrypted Excel workbook", "Save it as .xlsx without a password."),
    b"PAR1": ("a Parquet file", "Rename it to .parquet."),
}
_SAMPLE = 1 << 18
_TOLERATED = 5
_TOLERATED_SHARE = 0.01
"""A sample with more undecodable characters, or ten times as many NULs, is no text that we know."""

UNDECODABLE = "[\udc80-\udcff]"
"""Pattern of the marks that `errors="surrogateescape"` leaves for bytes that could not be decoded."""

_BROKEN = re.compile(UNDECODABLE)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


@contextmanager
def reading_faults(path: Path) -> Iterator[None]:
    """Turn the faults of reading a file's bytes into TicketFileError."""
    try:
        yield
    except FileNotFoundError as error:
        raise TicketFileError("no such file", where=str(path)) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TicketFileError("its compression is broken", where=str(path), fix="Copy it again.") from error
    except EOFError as error:
        raise TicketFileError(
            "ends in the middle of its compressed data", where=str(path), fix="Copy it again."
        ) from error
    except OSError as error:
        raise TicketFileError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


class ByteFile:
    """A file's bytes, decompressed where it is gzip, with how far reading has come."""

    def __init__(self, path: Path) -> None:
        """Open the file; raise TicketFileError if it is missing, empty or evidently of another format."""
        with reading_faults(path):
            self._size = path.stat().st_size
            self._raw = path.open("rb")
            self.stream: BinaryIO = self._raw
            start = self._raw.peek(4)[:4]
        if not start:
            self.close()
            raise TicketFileError("is empty", where=str(path))
        for magic, (what, fix) in _FOREIGN_MAGIC.items():
            if start.startswith(magic):
                self.close()
                raise TicketFileError(f"is {what}, not a text file", where=str(path), fix=fix)
        if start.startswith(_GZIP_MAGIC):
            self.stream = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=self._raw)), 1 << 16)

    def progress(self) -> float:
        """Return the share of the bytes on disk that have been read."""
        return min(1.0, self._raw.tell() / self._size) if not self._raw.closed else 1.0

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        self._raw.close()


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file: utf-8-sig (also for UTF-8 without mark), gb18030 or utf-16.

    Judged on the first 256 KiB from the first byte that is not ASCII. A few broken characters do not matter
    here: they are the fault of their row. Raise TicketFileError if the file is no text.
    """
    with reading_faults(path), closing(ByteFile(path)) as file:
        sample = file.stream.read(_SAMPLE)
        if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        while sample.isascii() and (more := file.stream.read(_SAMPLE)):
            sample = more
    tolerated = _TOLERATED + _TOLERATED_SHARE * len(sample)
    if sample.count(0) <= 10 * tolerated:
        # Text in GB18030 hardly ever looks like UTF-8, while UTF-8 may well look like GB18030.
        good, broken = _decodable(sample, "utf-8")
        if broken <= good / 4:
            return "utf-8-sig"
        if _decodable(sample, "gb18030")[1] <= tolerated:
            return "gb18030"
    raise garbled(path)


def garbled(path: Path) -> TicketFileError:
    """Return the error for a file that is no text, or in an encoding that we do not know."""
    return TicketFileError(
        "is garbled: its bytes are no text that we can decode",
        where=str(path),
        expected="UTF-8 or GB18030",
        fix="Export it again, as CSV in UTF-8.",
    )


def _decodable(sample: bytes, encoding: str) -> tuple[int, int]:
    """Return how many characters beyond ASCII can be decoded, and how many bytes cannot.

    Of a long sample the end does not count: it may be cut in the middle of a character.
    """
    text = sample.decode(encoding, errors="surrogateescape")
    body = text[:-4] if len(sample) >= _SAMPLE else text
    broken = _BROKEN.subn("", body)[1]
    return _BEYOND_ASCII.subn("", body)[1] - broken, broken
