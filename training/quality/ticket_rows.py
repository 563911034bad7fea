"""The tickets of a file side by side, each with the number of its row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.tickets.columns import ColumnMapping
from data.tickets.formats import open_source
from data.tickets.rejects import RejectReason
from data.tickets.rows import RowParser
from data.tickets.sieve import Sieve
from data.tickets.summary import ReadSummary
from data.tickets.ticket import Ticket
from model.inputs import model_input
from training.errors import TrainingError

IntArray = NDArray[np.int64]

_PROGRESS_EVERY = 1000
_NO_DATE = np.iinfo(np.int64).min  # what numpy takes for not-a-time
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class TicketRows:
    """N tickets that can be read.

    `rows` int64 [N] counts as people do, the header of a sheet as 1. `texts` are as the model reads them.
    `spelling` int32 [N] is the place of a ticket's unit, as the file writes it, in `spellings`; -1 without
    one. `moments` datetime64[s] [N], not-a-time without a date. `rejected` counts the other rows by reason.
    """

    rows: IntArray
    ids: Sequence[str]
    texts: Sequence[str]
    spelling: NDArray[np.int32]
    spellings: Sequence[str]
    moments: NDArray[np.datetime64]
    rejected: Mapping[RejectReason, int]
    left_out: int

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def read(
        cls, path: Path, columns: ColumnMapping, *, on_progress: Callable[[float], None] | None = None
    ) -> TicketRows:
        """Read a file, whatever its units; texts and ids seen before are rejected as for a training.

        Raises:
            TicketFileError: the file cannot be read.
            ColumnsError: a header is missing.
            TrainingError: no row can be used.
        """
        reading = UsableRows(path, columns, on_progress)
        rows, spelling, moments = array("q"), array("i"), array("q")
        ids: list[str] = []
        texts: list[str] = []
        numbers: dict[str, int] = {}
        for row, ticket in reading:
            rows.append(row)
            ids.append(ticket.ticket_id)
            texts.append(model_input(ticket).text)
            name = ticket.department
            spelling.append(-1 if name is None else numbers.setdefault(name, len(numbers)))
            moments.append(_seconds(ticket.created_at))
        summary = reading.summary
        if not ids:
            raise TrainingError(
                "no row can be used", where=str(path), fix="`paidan tickets check` says why, row by row."
            )
        return cls(
            rows=np.frombuffer(rows, np.int64),
            ids=ids,
            texts=texts,
            spelling=np.frombuffer(spelling, np.int32),
            spellings=list(numbers),
            moments=np.frombuffer(moments, np.int64).astype("datetime64[s]"),
            rejected=summary.rejected,
            left_out=summary.left_out,
        )

    def day(self, place: int) -> str:
        """Return the day of a ticket, in ISO form; empty without a date."""
        moment = self.moments[place]
        return "" if np.isnat(moment) else str(moment.astype("datetime64[D]"))


class UsableRows:
    """The tickets of a file that can be read, each with its row; when they are through, their summary."""

    def __init__(
        self, path: Path, columns: ColumnMapping, on_progress: Callable[[float], None] | None = None
    ) -> None:
        """Open a file.

        Raises:
            TicketFileError: the file cannot be read.
            ColumnsError: a header is missing.
        """
        self._source = open_source(path, columns.sheet)
        needed = [name for name in columns.headers if name not in columns.optional]
        columns.check_headers(
            self._source.headers,
            ["text"] if self._source.open_ended else [*needed, *columns.keep_if],
            where=str(path),
        )
        self._sieve = Sieve(
            columns,
            RowParser(columns, self._source.headers, open_ended=self._source.open_ended),
            catalog=None,
            labelled=False,
        )
        self._on_progress = on_progress

    def __iter__(self) -> Iterator[tuple[int, Ticket]]:
        for count, row in enumerate(self._source.rows(), start=1):
            outcome = self._sieve.sift(row)
            if isinstance(outcome, Ticket):
                yield row.number, outcome
            if self._on_progress is not None and count % _PROGRESS_EVERY == 0:
                self._on_progress(self._source.progress())

    @property
    def summary(self) -> ReadSummary:
        """Return the counts of the rows so far."""
        return self._sieve.summary.build()


def _seconds(moment: datetime | None) -> int:
    return _NO_DATE if moment is None else int((moment - _EPOCH).total_seconds())
