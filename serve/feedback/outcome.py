"""What became of a ticket: what the model said, what the operator said, and what finally held."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from data.feedback import follow
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
    held, returned = follow((event.kind, event.unit) for event in events)
    return Outcome(model, operator, held, returned)
