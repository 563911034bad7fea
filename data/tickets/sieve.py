"""Decide which tickets of a file training and measuring can use."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from data.catalog.entries import Department
from data.tickets.columns import ColumnMapping
from data.tickets.rejects import Reject, RejectReason
from data.tickets.rows import RowParser
from data.tickets.seen import Seen
from data.tickets.source import RawRow
from data.tickets.summary import SummaryBuilder
from data.tickets.ticket import Ticket


class UnitFinder(Protocol):
    """Whatever knows the units by name: a catalog."""

    def find_unit(self, name_or_code: str) -> Department | None:
        """Return the unit of that name, alias or code; None if there is none."""
        ...


class Sieve:
    """Sorts the rows of one file into usable, left out and rejected, and counts them in `summary`."""

    def __init__(
        self, columns: ColumnMapping, parser: RowParser, *, catalog: UnitFinder | None, labelled: bool
    ) -> None:
        """Prepare for one file; `catalog` counts only where the rows must be `labelled`."""
        self.summary = SummaryBuilder()
        self._columns = columns
        self._parser = parser
        self._catalog = catalog if labelled else None
        self._labelled = labelled
        self._codes: dict[str, str | None] = {}
        self._ids = Seen()
        self._texts = Seen()

    def sift(self, row: RawRow) -> Ticket | Reject | None:
        """Return the ticket to use, or why it cannot be used; None if `keep_if` leaves the row out."""
        self.summary.rows += 1
        if row.fault is None and not self._parser.is_kept(row):
            self.summary.left_out += 1
            return None
        outcome = self._parser.parse(row)
        if isinstance(outcome, Ticket):
            outcome = self._judge(row.number, outcome)
        if isinstance(outcome, Reject):
            self.summary.reject(outcome.reason)
        else:
            self.summary.use(outcome)
        return outcome

    def _judge(self, row: int, ticket: Ticket) -> Ticket | Reject:
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
                self.summary.unknown_unit(ticket.department)
                return reject("department", RejectReason.UNKNOWN_UNIT, "not in the catalog")
            ticket = replace(ticket, department=code)
        # Last, so that a row that cannot be used does not keep out a good one.
        if not self._ids.add(ticket.ticket_id):
            return reject("ticket_id", RejectReason.DUPLICATE_ID, "an earlier row has this id")
        if not self._texts.add(text):
            return reject("text", RejectReason.DUPLICATE_TEXT, "an earlier row has the same text")
        return ticket

    def _code(self, name: str, catalog: UnitFinder) -> str | None:
        if name not in self._codes:
            unit = catalog.find_unit(name)
            self._codes[name] = unit.code if unit else None
        return self._codes[name]
