"""What a hotline system reports of a ticket after its dispatch, kept once an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from data.feedback import FeedbackKind
from serve.errors import Problem
from serve.store.base import now
from serve.store.engine import Store
from serve.store.reviews import FeedbackEvent


class ReturnReason(StrEnum):
    """Why a unit sent a ticket back."""

    JURISDICTION = "jurisdiction"  # 属地不符
    AUTHORITY = "authority"  # 权属不清
    OVERLAP = "overlap"  # 职能交叉
    INCOMPLETE = "incomplete"  # 信息不全
    OTHER = "other"


class EventContradicted(Problem):
    """The event came before, and said something else."""

    status = HTTPStatus.CONFLICT
    slug = "event-contradicted"
    title = "The event was reported before, differently"

    def __init__(self) -> None:
        super().__init__(
            "this event_id was reported before with other content",
            where="/event_id",
            fix="Give it an id of its own.",
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One report."""

    event_id: str
    ticket_id: str
    kind: FeedbackKind
    unit: str | None
    reason: ReturnReason | None
    happened_at: datetime


def record(store: Store, event: Event) -> None:
    """Keep an event; the same one again changes nothing. Raise EventContradicted if it differs."""
    row = FeedbackEvent(
        event_id=event.event_id,
        ticket_id=event.ticket_id,
        kind=event.kind.value,
        unit=event.unit,
        reason=event.reason.value if event.reason else None,
        happened_at=event.happened_at,
        received_at=now(),
    )
    try:
        with store.transaction() as session:
            session.add(row)
    except IntegrityError:
        with store.transaction() as session:
            kept = session.scalars(
                select(FeedbackEvent).where(FeedbackEvent.event_id == event.event_id)
            ).one()
        same = (kept.ticket_id, kept.kind, kept.unit, kept.reason, kept.happened_at)
        if same != (row.ticket_id, row.kind, row.unit, row.reason, event.happened_at):
            raise EventContradicted() from None
