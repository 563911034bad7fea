"""Read a ticket file: for training into a dataset, for scoring ticket by ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from data.catalog.entries import Department
from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.formats import open_source
from data.tickets.rejects import Reject, RejectReason, rejects_file
from data.tickets.rows import RowParser
from data.tickets.seen import Seen
from data.tickets.source import TicketSource
from data.tickets.summary import ReadSummary, SummaryBuilder
from data.tickets.table import ticket_table
from data.tickets.ticket import Ticket

if TYPE_CHECKING:
    from datasets import Dataset

_PROGRESS_EVERY = 1000


class UnitFinder(Protocol):
    """Whatever knows the units by name: a catalog."""

    def find_unit(self, name_or_code: str) -> Department | None:
        """Return the unit of that name, alias or code; None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class TicketFile:
    """The usable tickets of a file, as a dataset on disk (data.tickets.table.SCHEMA), and how many were not."""

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
    first stays). With `labelled`, rows without a department are
    rejected, and with a `catalog` too, the dataset's `department` holds the unit's code and rows of unknown
    units are rejected. `rejects` names a CSV file for the rejected rows. `on_progress` is called now and
    then with the share of the file that has been read.

    Raise TicketFileError or ColumnsError if the file as a whole cannot be read.
    """
    source = open_source(path, columns.sheet)
    columns.check_headers(source.headers, _required(source, columns, labelled=labelled), where=str(path))
    if labelled and "department" not in columns.headers:
        raise ColumnsError(
            "no header is given for `department`", where=str(path), fix="Add it to the columns file."
        )
    parser = RowParser(columns, source.headers, open_ended=source.open_ended)
    summary = SummaryBuilder()
    sieve = _Sieve(columns, parser, catalog if labelled else None, labelled, summary)
    with rejects_file(rejects) as sink, ticket_table() as table:
        for raw in source.rows():
            summary.rows += 1
            if on_progress is not None and summary.rows % _PROGRESS_EVERY == 0:
                on_progress(source.progress())
            if raw.fault is None and not parser.is_kept(raw):
                summary.left_out += 1
                continue
            outcome = parser.parse(raw)
            if isinstance(outcome, Ticket):
                outcome = sieve.judge(raw.number, outcome)
            if isinstance(outcome, Reject):
                summary.reject(outcome.reason)
                sink.write(outcome)
            else:
                table.add(outcome)
        dataset = table.finish()
    if on_progress is not None:
        on_progress(1.0)
    return TicketFile(dataset, summary.build())


def iter_tickets(path: Path, columns: ColumnMapping) -> Iterator[Ticket | Reject]:
    """Yield one item for each data row of a file, in order: what scoring a file uses.

    Nothing is left out: a row that holds no ticket gives a Reject. Texts are as they stand in the file
    unless the routing clause is stripped. Raise TicketFileError or ColumnsError, at once, if the file as a
    whole cannot be read.
    """
    source = open_source(path, columns.sheet)
    required = [name for name in _required(source, columns) if name not in columns.keep_if]
    columns.check_headers(source.headers, required, where=str(path))
    parser = RowParser(columns, source.headers, open_ended=source.open_ended)
    return map(parser.parse, source.rows())


def _required(source: TicketSource, columns: ColumnMapping, *, labelled: bool = False) -> list[str]:
    """Return the fields and `keep_if` headers that a file must have."""
    fields = (
        ["text"] if source.open_ended else [name for name in columns.headers if name not in columns.optional]
    )
    label = ["department"] if labelled and "department" in columns.headers else []
    return [*(name for name in fields if name != "department"), *label, *columns.keep_if]


class _Sieve:
    """Decides which parsed rows training can use."""

    def __init__(
        self,
        columns: ColumnMapping,
        parser: RowParser,
        catalog: UnitFinder | None,
        labelled: bool,
        summary: SummaryBuilder,
    ) -> None:
        self._columns = columns
        self._parser = parser
        self._catalog = catalog
        self._labelled = labelled
        self._summary = summary
        self._codes: dict[str, str | None] = {}
        self._ids = Seen()
        self._texts = Seen()

    def judge(self, row: int, ticket: Ticket) -> Ticket | Reject:
        """Return the ticket to use, or why it cannot be used."""

        def reject(field: str, reason: RejectReason, detail: str) -> Reject:
            return Reject(row, self._parser.column(field), reason, detail, ticket.ticket_id)

        text, least = ticket.text.strip(), self._columns.min_text_length
        if len(text) < least:
            return reject("text", RejectReason.TEXT_TOO_SHORT, f"{len(text)} of {least} characters")
        if self._labelled and ticket.department is None:
            return reject("department", RejectReason.MISSING_UNIT, "empty")
        if self._catalog is not None and ticket.department is not None:
            code = self._code(ticket.department, self._catalog)
            if code is None:
                self._summary.unknown_unit(ticket.department)
                return reject("department", RejectReason.UNKNOWN_UNIT, "not in the catalog")
            ticket = replace(ticket, department=code)
        if not self._ids.add(ticket.ticket_id):
            return reject("ticket_id", RejectReason.DUPLICATE_ID, "an earlier row has this id")
        if not self._texts.add(text):
            return reject("text", RejectReason.DUPLICATE_TEXT, "an earlier row has the same text")
        self._summary.use(ticket)
        return ticket

    def _code(self, name: str, catalog: UnitFinder) -> str | None:
        if name not in self._codes:
            unit = catalog.find_unit(name)
            self._codes[name] = unit.code if unit else None
        return self._codes[name]
