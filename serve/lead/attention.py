"""What waits for the lead in person: disagreements, consultations beyond their time, tickets held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from serve.store.decisions import StoredDecision
from serve.store.people import User
from serve.store.reviews import Consultation, ReviewItem

SHOWN = 8
"""Most entries of a list; its head says how many there are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One ticket. `who` opened the consultation or holds the ticket; `since` is ISO 8601.

    `free` says that a lead can take it now: nobody has a valid lease on it.
    """

    id: int
    ticket_id: str
    who: str
    since: str
    free: bool


@dataclass(frozen=True, slots=True)
class Matters:
    """A list cut off at SHOWN, and how many there are in all."""

    entries: list[Entry]
    total: int


@dataclass(frozen=True, slots=True)
class Attention:
    """The three lists. `since` is when they became due, when they were opened, when the lease ends."""

    disagreements: Matters
    consultations: Matters
    held: Matters


def find_attention(session: Session, at: datetime) -> Attention:
    """Find what a lead should look at now, the oldest first."""
    free = ReviewItem.lease_expires_at.is_(None) | (ReviewItem.lease_expires_at <= at)
    return Attention(
        _items(
            session,
            [ReviewItem.kind == "lead", ReviewItem.status == "waiting"],
            ReviewItem.due_at,
            free,
        ),
        _consultations(session, at),
        _items(
            session,
            [ReviewItem.leased_by.is_not(None), ReviewItem.status == "waiting"],
            ReviewItem.lease_expires_at,
            free,
        ),
    )


def _items(
    session: Session, conditions: list[ColumnElement[bool]], since: Any, free: ColumnElement[bool]
) -> Matters:
    rows = session.execute(
        select(ReviewItem.id, StoredDecision.ticket_id, User.display_name, since, free, func.count().over())
        .join(StoredDecision, StoredDecision.id == ReviewItem.decision_id)
        .outerjoin(User, User.id == ReviewItem.leased_by)
        .where(*conditions)
        .order_by(since, ReviewItem.id)
        .limit(SHOWN)
    ).all()
    entries = [
        Entry(item, ticket, who or "", moment.isoformat(), bool(is_free))
        for item, ticket, who, moment, is_free, _ in rows
    ]
    return Matters(entries, rows[0][-1] if rows else 0)


def _consultations(session: Session, at: datetime) -> Matters:
    rows = session.execute(
        select(
            Consultation.id,
            StoredDecision.ticket_id,
            User.display_name,
            Consultation.opened_at,
            func.count().over(),
        )
        .join(ReviewItem, ReviewItem.id == Consultation.item_id)
        .join(StoredDecision, StoredDecision.id == Consultation.decision_id)
        .join(User, User.id == Consultation.opened_by)
        .where(Consultation.closed_at.is_(None), ReviewItem.status == "consulting", ReviewItem.due_at < at)
        .order_by(Consultation.opened_at)
        .limit(SHOWN)
    ).all()
    entries = [Entry(key, ticket, who, since.isoformat(), True) for key, ticket, who, since, _ in rows]
    return Matters(entries, rows[0][-1] if rows else 0)
