"""Tickets of a period, as the store remembers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from serve.insight.period import CITY_TIME
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import FeedbackEvent, ReviewItem, Ruling

_AT_A_TIME = 2000


@dataclass(frozen=True, slots=True)
class Record:
    """One ticket in its last revision. `unit` is the operator's where one ruled, else the model's.

    `ruled` is the operator's unit, None where nobody ruled; `place` is the most exact place name that the
    text gave; `returned` says that a unit sent the ticket back. `text` is None once it was purged.
    """

    ticket_id: str
    at: datetime
    text: str | None
    unit: str | None
    proposed: str | None
    ruled: str | None
    family: str | None
    district: str | None
    place: str | None
    place_status: str
    category: str | None
    channel: str | None
    level: str
    score: float | None
    degraded: bool
    audited: bool
    flags: tuple[str, ...]
    returned: bool

    @property
    def month(self) -> str:
        """Return the city's month, as 2026-11."""
        return f"{self.at.astimezone(CITY_TIME):%Y-%m}"


def read_records(store: Store, start: datetime, end: datetime) -> Iterator[Record]:
    """Yield the tickets that were answered from `start` to before `end`, each once, oldest first."""
    last = (
        select(StoredDecision.ticket_id, func.max(StoredDecision.revision).label("revision"))
        .where(
            StoredDecision.answered_at >= start,
            StoredDecision.answered_at < end,
            StoredDecision.revision > 0,  # what came to the desk from a file is no news of the city
        )
        .group_by(StoredDecision.ticket_id)
        .subquery()
    )
    ruling = (
        select(Ruling.decision_id, func.max(Ruling.id).label("id"))
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(Ruling.undone_at.is_(None), ReviewItem.kind != "second")  # a blind opinion decides nothing
        .group_by(Ruling.decision_id)
        .subquery()
    )
    returned = select(FeedbackEvent.ticket_id).where(FeedbackEvent.kind == "returned").distinct().subquery()
    query = (
        select(StoredDecision, Ruling.unit, Ruling.id, returned.c.ticket_id)
        .join(
            last,
            (last.c.ticket_id == StoredDecision.ticket_id) & (last.c.revision == StoredDecision.revision),
        )
        .outerjoin(ruling, ruling.c.decision_id == StoredDecision.id)
        .outerjoin(Ruling, Ruling.id == ruling.c.id)
        .outerjoin(returned, returned.c.ticket_id == StoredDecision.ticket_id)
        .order_by(StoredDecision.answered_at, StoredDecision.id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    with store.transaction() as session:
        for row, ruled, ruling_id, sent_back in session.execute(query):
            yield Record(
                ticket_id=row.ticket_id,
                at=row.answered_at,
                text=row.text,
                unit=ruled if ruling_id is not None else row.unit,
                proposed=row.unit,
                ruled=ruled,
                family=row.family,
                district=row.district_code,
                place=_place(row.answer),
                place_status=row.place_status,
                category=row.issue_category,
                channel=row.channel,
                level=row.level,
                score=row.score,
                degraded=row.degraded,
                audited=row.audited,
                flags=tuple(row.flags),
                returned=sent_back is not None,
            )


def _place(answer: dict[str, object] | None) -> str | None:
    """Return the longest piece of text that the place rests on: 望京街道某小区 says more than 朝阳区."""
    jurisdiction = (answer or {}).get("jurisdiction")
    if not isinstance(jurisdiction, dict):
        return None
    pieces = [str(piece["text"]) for piece in jurisdiction.get("evidence", ())]
    return max(pieces, key=len) if pieces else None
