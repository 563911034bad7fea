"""会商: units are asked about a ticket, their answers are kept, and the ruling becomes a precedent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update

from data.catalog.catalog import Catalog
from serve.review.history import when
from serve.review.parts import Code, Settlement, check_parts, check_unit
from serve.review.problems import AlreadySettled, NoSuchItem
from serve.review.queue import free_for, suits, why_not
from serve.review.rulings import write_ruling
from serve.security.audit import audit_ticket
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import Consultation, ConsultationAnswer, ReviewItem


class Question(BaseModel):
    """Whom to ask, and what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: Annotated[list[Code], Field(min_length=1, max_length=9)]
    question: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What one unit said; `responsible` is None while it has not answered."""

    id: int
    unit: str
    responsible: bool | None
    answer: str


@dataclass(frozen=True, slots=True)
class ConsultationView:
    """An open consultation, for the list."""

    id: int
    ticket_id: str
    text: str
    question: str
    opened_by: str
    opened_at: str
    due_at: str
    answers: list[AnswerView]

    @property
    def waiting(self) -> int:
        """Return how many units have not answered."""
        return sum(answer.responsible is None for answer in self.answers)


class Consultations:
    """Opens, answers and closes consultations."""

    def __init__(
        self, store: Store, catalog: Callable[[], Catalog], today: Callable[[], date] = date.today
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._today = today

    def open(self, user: User, item_id: int, asked: Question) -> int:
        """Ask units about an item, which leaves the queue; return the consultation's id.

        Raises:
            LeaseLost, AlreadySettled, NoSuchItem: the item is not this person's.
            UnitRetired: a unit takes no tickets.
        """
        with self._store.transaction() as session:
            item = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user), suits(user))
                .values(status="consulting", leased_by=None, lease_expires_at=None)
                .returning(ReviewItem)
            ).scalar_one_or_none()
            if item is None:
                raise why_not(session, item_id)
            units = list(dict.fromkeys(asked.units))
            for code in units:
                check_unit(code, self._catalog(), self._today())
            consultation = Consultation(
                item_id=item.id,
                decision_id=item.decision_id,
                opened_by=user.id,
                question=asked.question,
                opened_at=now(),
            )
            session.add(consultation)
            session.flush()
            session.add_all(ConsultationAnswer(consultation_id=consultation.id, unit=code) for code in units)
            decision = session.get_one(StoredDecision, item.decision_id)
            audit_ticket(session, user, "review.consult", decision.ticket_id, units=units)
            return consultation.id

    def record(self, user: User, answer_id: int, responsible: bool, answer: str) -> None:
        """Keep what a unit said; a later answer replaces an earlier one while the matter is open.

        Raises:
            NoSuchItem: nobody was asked that.
            AlreadySettled: the consultation is closed.
        """
        with self._store.transaction() as session:
            row = session.get(ConsultationAnswer, answer_id, with_for_update=True)
            if row is None:
                raise NoSuchItem()
            consultation = session.get_one(Consultation, row.consultation_id)
            if consultation.closed_at is not None:
                raise AlreadySettled("的会商已经结束")
            row.responsible, row.answer = responsible, answer or None
            row.recorded_by, row.answered_at = user.id, now()
            decision = session.get_one(StoredDecision, consultation.decision_id)
            audit_ticket(
                session,
                user,
                "review.consult-answer",
                decision.ticket_id,
                unit=row.unit,
                responsible=responsible,
            )

    def close(self, user: User, consultation_id: int, sent: Settlement, reasoning: str) -> int:
        """Rule on a consultation and return the ruling's id; it is a precedent from then on.

        Raises:
            NoSuchItem: there is no such consultation.
            AlreadySettled: it was closed before.
            UnitRetired, UnusableRuling: the parts cannot be carried out.
        """
        with self._store.transaction() as session:
            closed = session.execute(
                update(Consultation)
                .where(Consultation.id == consultation_id, Consultation.closed_at.is_(None))
                .values(closed_at=now(), reasoning=reasoning)
                .returning(Consultation)
            ).scalar_one_or_none()
            if closed is None:
                there = session.get(Consultation, consultation_id)
                raise AlreadySettled("的会商已经结束") if there else NoSuchItem()
            decision = session.get_one(StoredDecision, closed.decision_id)
            check_parts(sent.parts, self._catalog(), len(decision.text or ""), self._today())
            item = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == closed.item_id, ReviewItem.status == "consulting")
                .values(status="settled", settled_at=now())
                .returning(ReviewItem)
            ).scalar_one_or_none()
            if item is None:
                raise why_not(session, closed.item_id)
            ruling = write_ruling(session, user, item, sent)
            closed.ruling_id = ruling.id
            audit_ticket(
                session, user, "review.consult-close", decision.ticket_id, ruling=ruling.id, unit=ruling.unit
            )
            return ruling.id

    def waiting(self) -> list[ConsultationView]:
        """Return the open consultations, the most pressing first."""
        names = self._catalog().departments
        with self._store.transaction() as session:
            rows = session.execute(
                select(Consultation, StoredDecision, ReviewItem.due_at, User.display_name)
                .join(StoredDecision, StoredDecision.id == Consultation.decision_id)
                .join(ReviewItem, ReviewItem.id == Consultation.item_id)
                .join(User, User.id == Consultation.opened_by)
                .where(Consultation.closed_at.is_(None), ReviewItem.status == "consulting")
                .order_by(ReviewItem.due_at, Consultation.id)
            ).all()
            answers = session.scalars(
                select(ConsultationAnswer)
                .where(ConsultationAnswer.consultation_id.in_([row[0].id for row in rows]))
                .order_by(ConsultationAnswer.id)
            ).all()
        return [
            ConsultationView(
                id=asked.id,
                ticket_id=decision.ticket_id,
                text=decision.text or "",
                question=asked.question,
                opened_by=person,
                opened_at=when(asked.opened_at),
                due_at=due_at.isoformat(),
                answers=[
                    AnswerView(
                        answer.id,
                        names[answer.unit].name if answer.unit in names else answer.unit,
                        answer.responsible,
                        answer.answer or "",
                    )
                    for answer in answers
                    if answer.consultation_id == asked.id
                ],
            )
            for asked, decision, due_at, person in rows
        ]
