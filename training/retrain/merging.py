"""All tickets of a retraining in one file under our own names, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from data.catalog.catalog import Catalog
from data.tickets.columns import ColumnMapping
from data.tickets.ticket import Ticket
from training.errors import TrainingError
from training.progress import bar
from training.quality.desk import ticket_line
from training.quality.lists import write_jsonl
from training.quality.ticket_rows import UsableRows
from training.retrain.feedback import Outcome, read_outcomes
from training.retrain.request import RetrainRequest


@dataclass(slots=True)
class MergeCounts:
    """What became of the rows. `files` counts the usable rows of each file that were taken, by place."""

    files: Counter[int]
    replaced: int = 0
    """Rows that a later file has again, under the same ticket_id."""
    corrected: int = 0
    """Tickets whose unit the feedback changed."""
    set_aside: int = 0
    """Tickets that no unit is known for: without one, or returned by it."""
    rejected: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            "files": [self.files[place] for place in range(len(self.files))],
            "replaced": self.replaced,
            "corrected": self.corrected,
            "set_aside": self.set_aside,
            "rejected": self.rejected,
        }


def merge_tickets(request: RetrainRequest, output: Path) -> MergeCounts:
    """Write every ticket with a known unit once, as JSONL, the old file's first; of an id the last counts.

    Raises:
        PaidanError: a file cannot be read.
        TrainingError: no ticket has a unit.
    """
    files = list(request.files())
    outcomes = read_outcomes(request.feedback)
    later = [_ids(path, columns) for path, columns in files[1:]]
    counts = MergeCounts(Counter(dict.fromkeys(range(len(files)), 0)))

    def lines() -> Iterator[dict[str, Any]]:
        for place, (path, columns) in enumerate(files):
            again = set().union(*later[place:])
            with bar(f"reading {path.name}") as moved:
                rows = UsableRows(path, columns, moved)
                for _, ticket in rows:
                    if ticket.ticket_id in again:
                        counts.replaced += 1
                        continue
                    known = _corrected(ticket, outcomes, request.catalog)
                    counts.corrected += known.department != ticket.department and known.department is not None
                    if known.department is None:
                        counts.set_aside += 1
                        continue
                    counts.files[place] += 1
                    yield ticket_line(known)
                counts.rejected += sum(rows.summary.rejected.values())

    if not write_jsonl(output, lines()):
        raise TrainingError(
            "no ticket has a unit",
            where=", ".join(path.name for path, _ in files),
            fix="`paidan tickets check --catalog` says why rows are not used.",
        )
    return counts


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines that `merge_tickets` wrote."""
    with path.open("rb") as handle:
        for line in handle:
            yield orjson.loads(line)


def _ids(path: Path, columns: ColumnMapping) -> set[str]:
    return {ticket.ticket_id for _, ticket in UsableRows(path, columns)}


def _corrected(ticket: Ticket, outcomes: Mapping[str, Outcome], catalog: Catalog) -> Ticket:
    outcome = outcomes.get(ticket.ticket_id)
    if outcome is None:
        return ticket
    unit = catalog.find_unit(ticket.department) if ticket.department else None
    code = unit.code if unit is not None else ticket.department
    right = outcome.corrected(code)
    return ticket if right == code else replace(ticket, department=right)
