"""What every ticket file looks like once its format is out of the way: headers, and rows one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from data.errors import PaidanError


class TicketFileError(PaidanError):
    """A ticket file as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One data row, values as the format gives them.

    `number` is what a person sees: the row of a sheet or CSV counting the header as 1, the line of a JSONL
    file, the row of a Parquet file from 1. A row that is broken has a `fault` and no values.
    """

    number: int
    values: Mapping[str, object]
    fault: str | None = None


class TicketSource(Protocol):
    """An opened ticket file."""

    headers: tuple[str, ...]
    open_ended: bool
    """Whether rows may hold keys beyond `headers`, as in JSONL."""

    def rows(self) -> Iterator[RawRow]:
        """Yield the data rows in order; blank rows of a table are no data. Raise TicketFileError."""
        ...

    def progress(self) -> float:
        """Return the share of the file that has been read, in [0, 1]."""
        ...


def flatten(record: Mapping[str, object]) -> dict[str, object]:
    """Return a record with nested mappings reached by a dot: location.lon."""
    flat: dict[str, object] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": nested for inner, nested in flatten(value).items()})
        else:
            flat[key] = value
    return flat
