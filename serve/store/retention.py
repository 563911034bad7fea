"""Emptying of ticket texts whose time is over; figures and codes stay."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import Consultation, ConsultationAnswer, ReviewItem, Ruling
from serve.store.vectors import TicketVector

_AT_A_TIME = 1000


def purge(store: Store, days: int) -> int:
    """Empty all words of tickets answered more than `days` days ago; return how many tickets that were.

    Words are: text, title, address, district and answer of the decision, notes of its rulings, and questions
    and answers of its consultations. Its vector goes with them. What still waits for review then is
    withdrawn: nobody could read it.
    """
    before = now() - timedelta(days=days)
    purged = 0
    while True:
        with store.transaction() as session:
            ids = session.scalars(
                select(StoredDecision.id)
                .where(StoredDecision.answered_at < before, StoredDecision.purged_at.is_(None))
                .limit(_AT_A_TIME)
            ).all()
            if not ids:
                return purged
            asked = select(Consultation.id).where(Consultation.decision_id.in_(ids))
            for statement in (
                update(StoredDecision)
                .where(StoredDecision.id.in_(ids))
                .values(text=None, title=None, address=None, district=None, answer=None, purged_at=now()),
                update(Ruling).where(Ruling.decision_id.in_(ids)).values(note=None),
                delete(TicketVector).where(TicketVector.decision_id.in_(ids)),
                update(ConsultationAnswer)
                .where(ConsultationAnswer.consultation_id.in_(asked))
                .values(answer=None),
                update(Consultation)
                .where(Consultation.decision_id.in_(ids))
                .values(question="", reasoning=None),
                update(ReviewItem)
                .where(ReviewItem.decision_id.in_(ids), ReviewItem.status.in_(("waiting", "consulting")))
                .values(status="withdrawn"),
            ):
                session.execute(statement.execution_options(synchronize_session=False))
            purged += len(ids)
