"""What happened to a ticket before, and what was ruled on tickets like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from serve.review.desk_lines import DOUBTS, DoubtReason
from serve.store.decisions import StoredDecision
from serve.store.imported import ImportedTicket
from serve.store.people import User
from serve.store.reviews import Consultation, FeedbackEvent, ReviewItem, Ruling

PRECEDENTS = 3
NameOf = Callable[[str], str]

_KINDS = {"accepted": "签收", "returned": "退单", "redispatched": "改派", "closed": "办结"}
_BLIND = "second"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket."""

    at: str
    what: str


@dataclass(frozen=True, slots=True)
class Precedent:
    """A 会商 that was closed: what was asked, who got it and why."""

    question: str
    unit: str
    reasoning: str
    closed_at: str


def history_of(session: Session, item: ReviewItem, decision: StoredDecision, name_of: NameOf) -> list[Event]:
    """Return revisions, rulings and feedback of a ticket, oldest first; a blind item shows no rulings."""
    events: list[tuple[datetime, str]] = []
    revisions = session.scalars(
        select(StoredDecision).where(StoredDecision.ticket_id == decision.ticket_id)
    ).all()
    for revision in revisions:
        first = f"首选{name_of(revision.unit)}" if revision.unit else "没有候选单位"
        version = f"第 {revision.revision} 版" if revision.revision > 0 else "从文件导入"
        events.append((revision.answered_at, f"{version}，模型{first}"))
    if item.kind != _BLIND:
        rows = session.execute(
            select(Ruling, User.display_name)
            .join(User, User.id == Ruling.user_id)
            .where(Ruling.decision_id.in_([revision.id for revision in revisions]))
        )
        for ruling, person in rows:
            undone = "（已撤销）" if ruling.undone_at else ""
            unit = name_of(ruling.unit) if ruling.unit else "无承办单位"
            note = f"：{ruling.note}" if ruling.note else ""
            events.append((ruling.decided_at, f"{person}派给{unit}{undone}{note}"))
    for feedback in session.scalars(
        select(FeedbackEvent).where(FeedbackEvent.ticket_id == decision.ticket_id)
    ):
        unit = name_of(feedback.unit) if feedback.unit else ""
        events.append((feedback.happened_at, f"{unit}{_KINDS.get(feedback.kind, feedback.kind)}"))
    return [Event(when(at), what) for at, what in sorted(events)]


def doubt_of(session: Session, decision: StoredDecision, name_of: NameOf) -> str | None:
    """Say why a ticket that came from a file is here, and what the file said; None of a caller's ticket."""
    imported = session.get(ImportedTicket, decision.id)
    if imported is None:
        return None
    given = f"，原派{name_of(imported.given)}" if imported.given else ""
    suggested = f"，更像{name_of(imported.suggested)}" if imported.suggested else ""
    return f"导入复核（{DOUBTS[DoubtReason(imported.reason)]}{given}{suggested}），不会派出"


def precedents_for(session: Session, decision: StoredDecision, name_of: NameOf) -> list[Precedent]:
    """Return the latest closed consultations on tickets whose first candidate is of the same family."""
    if decision.family is None:
        return []
    rows = session.execute(
        select(Consultation, Ruling.unit)
        .join(Ruling, Ruling.id == Consultation.ruling_id)
        .join(StoredDecision, StoredDecision.id == Consultation.decision_id)
        .where(
            StoredDecision.family == decision.family,
            Consultation.closed_at.is_not(None),
            Consultation.decision_id != decision.id,
        )
        .order_by(Consultation.closed_at.desc())
        .limit(PRECEDENTS)
    )
    return [
        Precedent(
            asked.question,
            name_of(unit) if unit else "无承办单位",
            asked.reasoning or "",
            when(asked.closed_at) if asked.closed_at else "",
        )
        for asked, unit in rows
    ]


def when(at: datetime) -> str:
    """Write a moment as the desk shows it, in the machine's time zone."""
    return at.astimezone().strftime("%m-%d %H:%M")
