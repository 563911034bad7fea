"""Ticket files in Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.tickets.byte_files import reading_faults
from data.tickets.source import RawRow, TicketFileError, flatten

_BATCH = 4096
_FAULTS = (pa.ArrowException, OSError, ValueError, OverflowError)
"""What reading broken content raises: where names are no UTF-8 or times out of range, a plain ValueError."""


class ParquetFile:
    """A Parquet file, read in batches of rows. Nested values are reached by a dot."""

    open_ended = False

    def __init__(self, path: Path) -> None:
        """Read the schema; raise TicketFileError if the file is no Parquet."""
        self._path = path
        self._done = 0
        with reading_faults(path):
            if path.stat().st_size == 0:
                raise TicketFileError("is empty", where=str(path))
            try:
                self._file = pq.ParquetFile(path)
                self.headers = tuple(name for field in self._file.schema_arrow for name in _names(field))
            except _FAULTS as error:
                raise _fault(path, error) from error

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows, numbered from 1."""
        self._done = 0
        with reading_faults(self._path):
            try:
                for batch in self._file.iter_batches(_BATCH):
                    for record in batch.to_pylist():
                        self._done += 1
                        yield RawRow(self._done, flatten(record))
            except _FAULTS as error:
                raise _fault(self._path, error) from error

    def progress(self) -> float:
        """Return the share of the rows that have been read."""
        return float(self._done / max(1, self._file.metadata.num_rows))


def _fault(path: Path, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk's fault; Arrow raises OSErrors without number for broken content
    return TicketFileError("is no Parquet file, or a broken one", where=str(path), fix="Export it again.")


def _names(field: pa.Field) -> list[str]:
    if pa.types.is_struct(field.type):
        return [f"{field.name}.{name}" for inner in field.type for name in _names(inner)]
    return [field.name]
