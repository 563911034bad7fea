"""Labelled tickets to measure a model on, and where they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from data.catalog.entries import Department
from data.splits import duplicate_groups, split_by_time
from data.tickets.columns import ColumnMapping
from data.tickets.reading import read_tickets
from data.tickets.sieve import UnitFinder
from data.tickets.table import to_ticket
from data.tickets.ticket import Ticket
from model.artifact import file_sha256
from training.errors import TrainingError

_UNITS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Source:
    """Where tickets came from, for the data sheet.

    `name` has no folder. `rows` = `left_out` + `rejected` + `outside` + `seen_before` + those measured.
    `outside` are tickets before `since` or after `until`; `seen_before` those whose text, digits and
    punctuation aside, stands in the file before `since`; `unknown_units` names with their tickets, the most
    frequent ones.
    """

    name: str
    sha256: str | None = None
    since: date | None = None
    until: date | None = None
    rows: int = 0
    left_out: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    outside: int = 0
    seen_before: int = 0
    unknown_units: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Tickets whose `department` names the right unit, in the order of their source.

    `learned` counts, by that same name, the earlier tickets that training may have seen; empty if not known.
    """

    tickets: tuple[Ticket, ...]
    source: Source
    learned: Mapping[str, int] = field(default_factory=dict)


def read_labelled(
    path: Path,
    columns: ColumnMapping,
    catalogs: Sequence[UnitFinder],
    *,
    since: date | None = None,
    until: date | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Labelled:
    """Read what can be measured of a file: usable tickets of units that at least one of the catalogs knows.

    With `since`, texts that were seen before that day are left out, and the earlier tickets are counted as
    learned. Without it nothing is known of earlier tickets.

    Raises:
        TrainingError: no ticket can be measured, or `since` comes after `until`.
        PaidanError: the file or the columns are wrong.
    """
    if since is not None and until is not None and since > until:
        raise TrainingError(f"since {since} until {until}", where=path.name, expected="days in order")
    file = read_tickets(path, columns, catalog=_Any(catalogs), labelled=True, on_progress=on_progress)
    tickets = [to_ticket(row) for row in file.dataset]
    chosen, learned, seen_before = tickets, {}, 0
    if since is not None:
        dates = [ticket.created_at for ticket in tickets]
        groups = duplicate_groups([ticket.text for ticket in tickets])
        earlier, later = split_by_time(dates, groups, since - timedelta(days=1))
        learned = dict(Counter(tickets[row].department or "" for row in earlier))
        seen_before = sum(_is_within(tickets[row], since, until) for row in earlier)
        chosen = [tickets[row] for row in later]
    chosen = [ticket for ticket in chosen if _is_within(ticket, since, until)]
    if not chosen:
        raise TrainingError(
            f"no ticket can be measured ({len(tickets)} usable in the file)",
            where=path.name,
            fix="`paidan tickets check` says why rows are not used; --since and --until choose the days.",
        )
    return Labelled(
        tickets=tuple(chosen),
        source=Source(
            name=path.name,
            sha256=file_sha256(path),
            since=since,
            until=until,
            rows=file.summary.rows,
            left_out=file.summary.left_out,
            rejected={str(reason): count for reason, count in file.summary.rejected.items()},
            outside=len(tickets) - len(chosen) - seen_before,
            seen_before=seen_before,
            unknown_units=file.summary.unknown_units[:_UNITS_SHOWN],
        ),
        learned=learned,
    )


class _Any:
    """Finds what any of several catalogs knows, and gives it the name that the ticket has: codes differ."""

    def __init__(self, catalogs: Iterable[UnitFinder]) -> None:
        self._catalogs = tuple(catalogs)

    def find_unit(self, name_or_code: str) -> Department | None:
        found = next((unit for c in self._catalogs if (unit := c.find_unit(name_or_code)) is not None), None)
        return replace(found, code=name_or_code) if found is not None else None


def _is_within(ticket: Ticket, since: date | None, until: date | None) -> bool:
    if since is None and until is None:
        return True
    if ticket.created_at is None:
        return False
    day = ticket.created_at.date()
    return (since is None or since <= day) and (until is None or day <= until)
