"""Tickets that wait for a person, and what people decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serve.store.base import Base


class ReviewItem(Base):
    """One place in the queue: a decision that a person must look at.

    `kind` is `first`, `second` (a blind second opinion) or `lead` (the two disagreed). `status` is `waiting`,
    `consulting` (units were asked), `settled` or `withdrawn` (a newer revision of the ticket took its place).
    A lease makes a waiting item one operator's until it expires. What the queue sorts and filters by, and
    what the lead's page counts, is copied here, so that neither reads the decisions with their texts.
    """

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("decision_id", "kind"),
        Index("ix_review_items_queue", "status", "due_at", "risk", "score"),
        Index("ix_review_items_status_level", "status", "level"),
        Index("ix_review_items_lease", "leased_by", "lease_expires_at"),
        Index("ix_review_items_kind", "kind", "status", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # when it should be dispatched
    risk: Mapped[int]  # 2 danger, 1 urgent, 0 otherwise; higher goes first
    score: Mapped[float]  # of the first candidate; lower goes first
    level: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))  # code of the first candidate
    family: Mapped[str | None] = mapped_column(String(100))
    district_code: Mapped[str | None] = mapped_column(String(100))
    channel: Mapped[str | None] = mapped_column(String(100))
    leased_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    lease_expires_at: Mapped[datetime | None]
    skipped_by: Mapped[list[Any]]  # ids of users who passed it on
    settled_at: Mapped[datetime | None]


class Ruling(Base):
    """What one person decided on one item; an undone ruling stays, marked.

    `parts` holds one entry a demand: {"lead": code, "assisting": [codes], "jurisdiction": code or null,
    "start": int or null, "end": int or null}; the offsets are into the ticket's text when it was split.
    """

    __tablename__ = "rulings"
    __table_args__ = (
        Index("ix_rulings_decided_at", "decided_at"),
        Index("ix_rulings_user_id_decided_at", "user_id", "decided_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    request_id: Mapped[str] = mapped_column(
        String(64), unique=True
    )  # the page makes it: a double click is one
    mode: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100), index=True)  # lead of the first part; None: no unit
    parts: Mapped[list[Any]]
    rank: Mapped[int | None]  # 1, 2, … when `unit` was a candidate
    note: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[float]  # from showing the ticket to the decision
    decided_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Consultation(Base):
    """A 会商: units asked about one item, and the ruling that came of it, which is a precedent."""

    __tablename__ = "consultations"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    opened_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    question: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    ruling_id: Mapped[int | None] = mapped_column(ForeignKey("rulings.id"))
    reasoning: Mapped[str | None] = mapped_column(Text)


class ConsultationAnswer(Base):
    """What one unit said when it was asked; `answered_at` is None while it has not."""

    __tablename__ = "consultation_answers"
    __table_args__ = (UniqueConstraint("consultation_id", "unit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), index=True)
    unit: Mapped[str] = mapped_column(String(100))
    responsible: Mapped[bool | None]  # True: ours, False: not ours
    answer: Mapped[str | None] = mapped_column(Text)
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None]


class FeedbackEvent(Base):
    """What the hotline system reports of a ticket later on. `event_id` is the caller's: sent twice is once.

    `kind` is accepted, returned, redispatched or closed. A return speaks against `unit`, for nobody else.
    """

    __tablename__ = "feedback_events"
    __table_args__ = (
        Index("ix_feedback_events_ticket", "ticket_id", "happened_at"),
        Index("ix_feedback_events_kind", "kind", "happened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(200), unique=True)
    ticket_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100), index=True)
    reason: Mapped[str | None] = mapped_column(String(40))  # see serve.feedback.events
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]


class AutoStop(Base):
    """A switch that a desk lead threw: nothing goes out by itself to `unit` (None: to any) until lifted."""

    __tablename__ = "auto_stops"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit: Mapped[str | None] = mapped_column(String(100), index=True)
    reason: Mapped[str] = mapped_column(Text)
    stopped_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    stopped_at: Mapped[datetime]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None] = mapped_column(Text)
