"""Read a ticket file: for training into a dataset, for scoring ticket by ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.formats import open_source
from data.tickets.rejects import Reject, rejects_file
from data.tickets.rows import RowParser
from data.tickets.sieve import Sieve, UnitFinder
from data.tickets.source import TicketSource
from data.tickets.summary import ReadSummary
from data.tickets.table import ticket_table
from data.tickets.ticket import Ticket

if TYPE_CHECKING:
    from datasets import Dataset

_PROGRESS_EVERY = 1000


@dataclass(frozen=True, slots=True)
class TicketFile:
    """A file's usable tickets, as a dataset on disk (columns of table.SCHEMA), and how many were not."""

    dataset: Dataset
    summary: ReadSummary


def read_tickets(
    path: Path,
    columns: ColumnMapping,
    *,
    catalog: UnitFinder | None = None,
    labelled: bool = False,
    rejects: Path | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> TicketFile:
    """Read what training and measuring can use of a file, however large; the rest is counted.

    Rows that `keep_if` does not want are left out. Rejected are broken rows, texts that are empty, too
    short, too long or without a word, bad dates and positions, ids seen before, and texts seen before (the
    first stays). With `labelled`, rows without a department are rejected too; with a `catalog` besides,
    the dataset's `department` holds the unit's code, and rows of unknown units are rejected. `rejects`
    names a CSV file for the rejected rows. `on_progress` is called now and then with the share of the file
    that has been read.

    Raise TicketFileError or ColumnsError if the file as a whole cannot be read.
    """
    reading = _Reading(path, columns, catalog=catalog, labelled=labelled, on_progress=on_progress)
    with ticket_table() as table:
        for ticket in reading.usable(rejects):
            table.add(ticket)
        dataset = table.finish()
    return TicketFile(dataset, reading.summary())


def check_tickets(
    path: Path,
    columns: ColumnMapping,
    *,
    catalog: UnitFinder | None = None,
    labelled: bool = False,
    rejects: Path | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> ReadSummary:
    """Do all that `read_tickets` does, but keep no ticket."""
    reading = _Reading(path, columns, catalog=catalog, labelled=labelled, on_progress=on_progress)
    for _ in reading.usable(rejects):
        pass
    return reading.summary()


def iter_tickets(path: Path, columns: ColumnMapping) -> Iterator[Ticket | Reject]:
    """Yield one item for each data row of a file, in order: what scoring a file uses.

    Nothing is left out: a row that holds no ticket gives a Reject. Texts are as they stand in the file
    unless the routing clause is stripped. Raise TicketFileError or ColumnsError, at once, if the file as a
    whole cannot be read.
    """
    source = open_source(path, columns.sheet)
    columns.check_headers(source.headers, _required(source, columns), where=str(path))
    parser = RowParser(columns, source.headers, open_ended=source.open_ended)
    return map(parser.parse, source.rows())


class _Reading:
    """One pass over a file for training or measuring."""

    def __init__(
        self,
        path: Path,
        columns: ColumnMapping,
        *,
        catalog: UnitFinder | None,
        labelled: bool,
        on_progress: Callable[[float], None] | None,
    ) -> None:
        if labelled and "department" not in columns.headers:
            raise ColumnsError(
                "no header is given for `department`", where=str(path), fix="Add it to the columns file."
            )
        self._source = open_source(path, columns.sheet)
        required = [
            *_required(self._source, columns),
            *(["department"] if labelled else []),
            *columns.keep_if,
        ]
        columns.check_headers(self._source.headers, required, where=str(path))
        parser = RowParser(columns, self._source.headers, open_ended=self._source.open_ended)
        self._sieve = Sieve(columns, parser, catalog=catalog, labelled=labelled)
        self._on_progress = on_progress or (lambda _: None)

    def usable(self, rejects: Path | None) -> Iterator[Ticket]:
        """Yield the usable tickets, and write down the others."""
        with rejects_file(rejects) as sink:
            for count, row in enumerate(self._source.rows(), start=1):
                outcome = self._sieve.sift(row)
                if isinstance(outcome, Reject):
                    sink.write(outcome)
                elif outcome is not None:
                    yield outcome
                if count % _PROGRESS_EVERY == 0:
                    self._on_progress(self._source.progress())
        self._on_progress(1.0)

    def summary(self) -> ReadSummary:
        """Return the counts so far."""
        return self._sieve.summary.build()


def _required(source: TicketSource, columns: ColumnMapping) -> list[str]:
    """Return the fields whose header a file must have, the label aside.

    Of open-ended rows any field but the text may turn up later.
    """
    if source.open_ended:
        return ["text"]
    return [name for name in columns.headers if name != "department" and name not in columns.optional]
