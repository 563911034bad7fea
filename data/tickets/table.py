"""Tickets as rows of a table on disk."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from data.tickets.source import TicketFileError
from data.tickets.ticket import Location, Ticket

if TYPE_CHECKING:
    from datasets import Dataset

SCHEMA = pa.schema(
    [
        ("ticket_id", pa.string()),
        ("text", pa.string()),
        ("title", pa.string()),
        ("channel", pa.string()),
        ("created_at", pa.timestamp("s")),
        ("address", pa.string()),
        ("district", pa.string()),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("department", pa.string()),
    ]
)
"""The columns of a dataset of tickets."""

_BATCH = 1024


def to_row(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as a row of SCHEMA."""
    location = ticket.location
    return {
        "ticket_id": ticket.ticket_id,
        "text": ticket.text,
        "title": ticket.title,
        "channel": ticket.channel,
        "created_at": ticket.created_at,
        "address": ticket.address,
        "district": ticket.district,
        "lon": location.lon if location else None,
        "lat": location.lat if location else None,
        "department": ticket.department,
    }


def to_ticket(row: Mapping[str, Any]) -> Ticket:
    """Return a row of a dataset as a ticket."""
    has_location = row["lon"] is not None and row["lat"] is not None
    return Ticket(
        ticket_id=row["ticket_id"],
        text=row["text"],
        title=row["title"],
        channel=row["channel"],
        created_at=row["created_at"],
        address=row["address"],
        district=row["district"],
        location=Location(row["lon"], row["lat"]) if has_location else None,
        department=row["department"],
    )


class TicketTable:
    """An Arrow file that grows ticket by ticket and is then read from disk, not from memory."""

    def __init__(self, path: Path, writer: pa.RecordBatchStreamWriter) -> None:
        self._path = path
        self._writer = writer
        self._pending: list[dict[str, Any]] = []

    def add(self, ticket: Ticket) -> None:
        """Append a ticket."""
        self._pending.append(to_row(ticket))
        if len(self._pending) >= _BATCH:
            self._flush()

    def finish(self) -> Dataset:
        """Write what is left and return all tickets as a memory-mapped dataset."""
        from datasets import Dataset

        self._flush()
        self._writer.close()
        return Dataset.from_file(str(self._path))

    def _flush(self) -> None:
        # An empty batch too: a table must hold one.
        self._writer.write_batch(pa.RecordBatch.from_pylist(self._pending, schema=SCHEMA))
        self._pending.clear()


@contextmanager
def ticket_table() -> Iterator[TicketTable]:
    """Open a new table in the temporary folder; it stays until the process ends, and goes if all fails."""
    path: Path | None = None
    try:
        path = Path(tempfile.mkdtemp(dir=_folder())) / "tickets.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
            yield TicketTable(path, writer)
    except OSError as error:
        raise TicketFileError(
            f"cannot write the tickets that were read ({error.strerror or 'no space left?'})",
            where=str(path or tempfile.gettempdir()),
            fix="Free some space there, or set TMPDIR to a folder that has more.",
        ) from error


@cache
def _folder() -> str:
    """Return this process's folder for tables; it is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="paidan-tickets-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
