"""Where an artifact goes wrong: units it takes for each other, and tickets it was surest of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from data.catalog.entries import Department
from data.text import mask_pii, normalise
from data.tickets.ticket import Ticket
from model.decision import PlaceStatus
from training.report.evaluation import UNKNOWN, Evaluation

CONFUSIONS = 40
MISSES = 30

_LONGEST = 120


class MissKind(StrEnum):
    """How a wrong unit differs from the right one."""

    PLACE = "place"  # the right family, another place
    FAMILY = "family"  # the right place, another family
    BOTH = "both"
    UNKNOWN = "unknown"  # the catalog does not know the right unit


@dataclass(frozen=True, slots=True)
class Confusion:
    """Tickets of `right` whose first candidate was `answered`; `share` of all tickets of `right`.

    `back` are the tickets of `answered` that went to `right`.
    """

    right: str
    answered: str
    kind: MissKind
    tickets: int
    share: float
    back: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A ticket whose first candidate was wrong. `rank` is the place of the right unit, None if unknown.

    `reasons` are pairs of a kind and what spoke for the wrong unit. `text` is masked and shortened. Both are
    left out of a report without text.
    """

    ticket_id: str
    day: str | None
    right: str
    answered: str
    kind: MissKind
    score: float
    rank: int | None
    level: str
    flags: tuple[str, ...]
    place: str
    reasons: tuple[tuple[str, str], ...]
    text: str | None


def confusions(evaluation: Evaluation, most: int = CONFUSIONS) -> list[Confusion]:
    """Return the most frequent pairs of right and answered unit."""
    wrong = ~evaluation.right
    pairs = Counter(zip(evaluation.labels[wrong].tolist(), evaluation.first[wrong].tolist(), strict=True))
    pairs = Counter({pair: n for pair, n in pairs.items() if pair[0] != UNKNOWN})
    of_unit = Counter(evaluation.labels.tolist())
    units = evaluation.units
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [
        Confusion(
            right=units[right].name,
            answered=units[answered].name,
            kind=miss_kind(units[right], units[answered]),
            tickets=tickets,
            share=tickets / of_unit[right],
            back=pairs[answered, right],
        )
        for (right, answered), tickets in ordered
    ]


def worst_misses(evaluation: Evaluation, *, texts: bool = True, most: int = MISSES) -> list[Miss]:
    """Return the wrong answers with the highest scores."""
    wrong = np.flatnonzero(~evaluation.right)
    rows = wrong[np.argsort(-evaluation.confidence[wrong], kind="stable")][:most].tolist()
    decisions = evaluation.dispatcher.score([evaluation.tickets[row] for row in rows], top_k=1)
    names = evaluation.unit_names()
    found = []
    for row, decision in zip(rows, decisions, strict=True):
        ticket, label = evaluation.tickets[row], int(evaluation.labels[row])
        answered = evaluation.units[evaluation.first[row]]
        right = evaluation.units[label] if label != UNKNOWN else None
        reasons = decision.candidates[0].reasons if texts else ()
        placed = decision.jurisdiction
        found.append(
            Miss(
                ticket_id=ticket.ticket_id,
                day=day_of(ticket),
                right=names[row],
                answered=answered.name,
                kind=miss_kind(right, answered),
                score=float(evaluation.confidence[row]),
                rank=int(evaluation.ranks[row]) or None,
                level=str(evaluation.levels[row]),
                flags=tuple(flag.value for flag in evaluation.flags[row]),
                place=placed.jurisdiction.name
                if placed.status is PlaceStatus.RESOLVED and placed.jurisdiction is not None and texts
                else placed.status.value,
                reasons=tuple((reason.kind.value, mask_pii(reason.text)) for reason in reasons),
                text=short_text(ticket) if texts else None,
            )
        )
    return found


def kinds_of_misses(evaluation: Evaluation) -> dict[MissKind, int]:
    """Count all wrong answers by how they differ from the right one."""
    wrong = np.flatnonzero(~evaluation.right).tolist()
    units: Sequence[Department] = evaluation.units
    counts = Counter(
        miss_kind(units[label] if label != UNKNOWN else None, units[first])
        for label, first in ((int(evaluation.labels[row]), int(evaluation.first[row])) for row in wrong)
    )
    return {kind: counts[kind] for kind in MissKind}


def miss_kind(right: Department | None, answered: Department) -> MissKind:
    """Say how the answered unit differs from the right one."""
    if right is None:
        return MissKind.UNKNOWN
    if right.family == answered.family:
        return MissKind.PLACE
    return MissKind.FAMILY if right.jurisdiction == answered.jurisdiction else MissKind.BOTH


def short_text(ticket: Ticket) -> str:
    """Return a ticket's text with numbers of people masked, cut to what a table can hold."""
    text = mask_pii(normalise(ticket.text).text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def day_of(ticket: Ticket) -> str | None:
    """Return a ticket's day."""
    return ticket.created_at.date().isoformat() if ticket.created_at else None
