"""What became of a ticket: what the model said, what the operator said, and what finally held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import FeedbackEvent, ReviewItem, Ruling


@dataclass(frozen=True, slots=True)
class Outcome:
    """Three statements on one ticket, by unit's code, kept apart; None where there is none.

    `returned` are units that sent the ticket back and did not take it later. They speak against
    themselves only: nothing is concluded from them for another unit.
    """

    model: str | None
    operator: str | None
    held: str | None
    returned: frozenset[str]


def outcome(store: Store, ticket_id: str) -> Outcome:
    """Return what is known of a ticket now; all empty if it is unknown."""
    with store.transaction() as session:
        model = session.scalars(
            select(StoredDecision.unit)
            .where(StoredDecision.ticket_id == ticket_id)
            .order_by(StoredDecision.revision.desc())
            .limit(1)
        ).first()
        operator = session.scalars(
            select(Ruling.unit)
            .join(ReviewItem, ReviewItem.id == Ruling.item_id)
            .join(StoredDecision, StoredDecision.id == Ruling.decision_id)
            .where(
                StoredDecision.ticket_id == ticket_id,
                Ruling.undone_at.is_(None),
                ReviewItem.kind != "second",  # a blind opinion dispatches nothing
            )
            .order_by(StoredDecision.revision.desc(), Ruling.decided_at.desc(), Ruling.id.desc())
            .limit(1)
        ).first()
        events = session.scalars(
            select(FeedbackEvent)
            .where(FeedbackEvent.ticket_id == ticket_id)
            .order_by(FeedbackEvent.happened_at, FeedbackEvent.event_id)
        ).all()
    held, returned = follow(events)
    return Outcome(model, operator, held, returned)


def follow(events: Sequence[FeedbackEvent]) -> tuple[str | None, frozenset[str]]:
    """Return who holds a ticket after events in the order they happened, and who sent it back for good.

    To be sent to a unit is not yet to be held by it.
    """
    held: str | None = None
    returned: set[str] = set()
    for event in events:
        if event.kind in ("accepted", "closed") and event.unit is not None:
            held = event.unit
            returned.discard(event.unit)
        elif event.kind == "returned" and event.unit is not None:
            returned.add(event.unit)
            held = None if held == event.unit else held
        elif event.kind == "redispatched":
            held = None
    return held, frozenset(returned)
