"""What reading a ticket file came to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from data.tickets.rejects import RejectReason
from data.tickets.ticket import Ticket

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_TOP = 20
_NAMES_COUNTED = 10_000
_LONGEST_UNIT_NAME = 40


@dataclass(frozen=True, slots=True)
class ReadSummary:
    """Counts of one reading: rows = usable + left_out + rejected.

    `left_out` are rows that `keep_if` does not want. `undated`, `first_date`, `last_date`,
    `text_lengths` (quantile -> characters), `units` (different departments) and `unlabelled` (without a
    department) speak of the usable rows. `unknown_units` holds the 20 most frequent names that the catalog
    does not know. `content_hash` is a sha256 over the usable tickets in order.
    """

    rows: int
    usable: int
    left_out: int
    rejected: Mapping[RejectReason, int]
    undated: int
    first_date: datetime | None
    last_date: datetime | None
    text_lengths: Mapping[float, int]
    units: int
    unlabelled: int
    unknown_units: tuple[tuple[str, int], ...]
    content_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON can hold it."""
        return {
            "rows": self.rows,
            "usable": self.usable,
            "left_out": self.left_out,
            "rejected": {str(reason): count for reason, count in self.rejected.items()},
            "undated": self.undated,
            "first_date": self.first_date.isoformat() if self.first_date else None,
            "last_date": self.last_date.isoformat() if self.last_date else None,
            "text_lengths": {str(quantile): length for quantile, length in self.text_lengths.items()},
            "units": self.units,
            "unlabelled": self.unlabelled,
            "unknown_units": dict(self.unknown_units),
            "content_hash": self.content_hash,
        }


class SummaryBuilder:
    """Counts rows while they are read, in memory that does not grow with the file."""

    def __init__(self) -> None:
        self.rows = 0
        self.left_out = 0
        self._usable = 0
        self._rejected: Counter[RejectReason] = Counter()
        self._undated = 0
        self._unlabelled = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._lengths: Counter[int] = Counter()
        self._units: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._hash = hashlib.sha256()

    def reject(self, reason: RejectReason) -> None:
        """Count a rejected row."""
        self._rejected[reason] += 1

    def unknown_unit(self, name: str) -> None:
        """Count a unit name that the catalog does not know.

        What is far too long for a name may be a ticket's text from a wrong column: it is not kept.
        """
        shown = name if len(name) <= _LONGEST_UNIT_NAME else f"({len(name)} characters)"
        _count(self._unknown, shown)

    def use(self, ticket: Ticket) -> None:
        """Count a usable row."""
        self._usable += 1
        self._lengths[len(ticket.text.strip())] += 1
        if ticket.department is None:
            self._unlabelled += 1
        else:
            _count(self._units, ticket.department)
        created = ticket.created_at
        if created is None:
            self._undated += 1
        else:
            self._first = min(created, self._first or created)
            self._last = max(created, self._last or created)
        self._hash.update(orjson.dumps(ticket))

    def build(self) -> ReadSummary:
        """Return the counts."""
        return ReadSummary(
            rows=self.rows,
            usable=self._usable,
            left_out=self.left_out,
            rejected=dict(self._rejected.most_common()),
            undated=self._undated,
            first_date=self._first,
            last_date=self._last,
            text_lengths=_quantiles(self._lengths),
            units=len(self._units),
            unlabelled=self._unlabelled,
            unknown_units=tuple(self._unknown.most_common(_TOP)),
            content_hash=self._hash.hexdigest(),
        )


def _count(names: Counter[str], name: str) -> None:
    if name in names or len(names) < _NAMES_COUNTED:
        names[name] += 1


def _quantiles(lengths: Counter[int]) -> dict[float, int]:
    total = lengths.total()
    found: dict[float, int] = {}
    seen = 0
    for length in sorted(lengths):
        seen += lengths[length]
        for quantile in QUANTILES:
            if quantile not in found and seen >= quantile * total:
                found[quantile] = length
    return found
