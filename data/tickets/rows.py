"""Make a ticket out of one row of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from data.text import normalise, strip_routing_clause
from data.tickets.byte_files import UNDECODABLE
from data.tickets.columns import ColumnMapping
from data.tickets.rejects import Reject, RejectReason
from data.tickets.source import RawRow
from data.tickets.ticket import MAX_TEXT_LENGTH, Location, Ticket
from data.tickets.values import cell_text, parse_date, parse_number

_UNDECODABLE = re.compile(UNDECODABLE)
_PLAIN_WORD = re.compile("[0-9A-Za-z㐀-鿿]")


class _Unusable(Exception):
    def __init__(self, column: str | None, reason: RejectReason, detail: str = "") -> None:
        self.column, self.reason, self.detail = column, reason, detail
        super().__init__(reason)


class RowParser:
    """Turns the rows of one file into tickets."""

    def __init__(self, columns: ColumnMapping, headers: Sequence[str], *, open_ended: bool = False) -> None:
        """Prepare for a file with these headers; `open_ended` rows may hold further ones."""
        self._columns = columns
        present = {
            field: tuple(name for name in names if name in headers)
            for field, names in columns.headers.items()
        }
        self._headers = present
        if open_ended:
            # All but the id may turn up later; without any id, tickets are named after their row.
            self._headers = {**columns.headers, "ticket_id": present.get("ticket_id", ())}

    def column(self, field: str) -> str | None:
        """Return the header to name when a field is at fault."""
        return next(iter(self._headers.get(field) or self._columns.headers.get(field, ())), None)

    def is_kept(self, row: RawRow) -> bool:
        """Tell whether `keep_if` lets a row pass."""
        return all(
            (cell_text(row.values.get(header)) or "").casefold() in values
            for header, values in self._columns.keep_if.items()
        )

    def parse(self, row: RawRow) -> Ticket | Reject:
        """Return the ticket of a row, or why there is none."""
        if row.fault is not None:
            return Reject(row.number, None, RejectReason.BROKEN_ROW, row.fault)
        ticket_id: str | None = None
        try:
            ticket_id = self._ticket_id(row)
            return Ticket(
                ticket_id=ticket_id,
                text=self._text(row),
                title=self._string(row, "title"),
                channel=self._string(row, "channel"),
                created_at=self._date(row),
                address=self._string(row, "address"),
                district=self._string(row, "district"),
                location=self._location(row),
                department=self._string(row, "department"),
            )
        except _Unusable as fault:
            return Reject(row.number, fault.column, fault.reason, fault.detail, ticket_id)

    def _first(self, row: RawRow, field: str) -> tuple[str | None, object]:
        """Return the header and value that count for a field; None as value if all are empty."""
        for header in self._headers.get(field, ()):
            value = row.values.get(header)
            if value is None or value == "":
                continue
            if isinstance(value, list):
                raise _Unusable(header, RejectReason.BROKEN_ROW, "a list where one value is expected")
            text = value if isinstance(value, str) else cell_text(value)
            if text is None or text.isspace():
                continue
            if _UNDECODABLE.search(text):
                raise _Unusable(header, RejectReason.UNDECODABLE, "bytes that are no characters")
            return header, value
        return None, None

    def _string(self, row: RawRow, field: str) -> str | None:
        return cell_text(self._first(row, field)[1])

    def _ticket_id(self, row: RawRow) -> str:
        if not self._headers.get("ticket_id"):
            return str(row.number)
        ticket_id = self._string(row, "ticket_id")
        if ticket_id is None:
            raise _Unusable(self.column("ticket_id"), RejectReason.MISSING_ID, "empty")
        return ticket_id

    def _text(self, row: RawRow) -> str:
        """Return the text as it stands in the file: places in it must mean something to the caller."""
        header, value = self._first(row, "text")
        text = value if isinstance(value, str) else cell_text(value) or ""
        if len(text) > MAX_TEXT_LENGTH:
            detail = f"{len(text)} characters, at most {MAX_TEXT_LENGTH} are accepted"
            raise _Unusable(header, RejectReason.TEXT_TOO_LONG, detail)
        if self._columns.strip_routing_clause:
            text = strip_routing_clause(text)
        if _PLAIN_WORD.search(text):
            return text
        normalised = normalise(text).text
        if not normalised:
            raise _Unusable(header or self.column("text"), RejectReason.EMPTY_TEXT, "no text")
        if not any(map(str.isalnum, normalised)):
            raise _Unusable(header, RejectReason.NO_WORDS, "no letter, digit or Chinese character")
        return text

    def _date(self, row: RawRow) -> datetime | None:
        header, value = self._first(row, "created_at")
        try:
            return parse_date(value, self._columns.date_formats)
        except (ValueError, OverflowError):
            raise _Unusable(header, RejectReason.BAD_DATE, "not a date and time that we know") from None

    def _location(self, row: RawRow) -> Location | None:
        lon_header, lon_value = self._first(row, "lon")
        lat_header, lat_value = self._first(row, "lat")
        column = lon_header or lat_header
        try:
            lon, lat = parse_number(lon_value), parse_number(lat_value)
        except ValueError:
            raise _Unusable(column, RejectReason.BAD_LOCATION, "not a number") from None
        if (lon is None and lat is None) or (lon == 0 and lat == 0):
            return None  # 0, 0 is how many exports write that there is none
        if lon is None or lat is None:
            raise _Unusable(column, RejectReason.BAD_LOCATION, "longitude without latitude, or the reverse")
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise _Unusable(column, RejectReason.BAD_LOCATION, "outside of -180..180, -90..90 degrees")
        return Location(lon, lat)
