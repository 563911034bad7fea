"""Second opinions: which tickets get one, and what follows when two people disagree."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from serve.store.base import now
from serve.store.drawing import is_drawn
from serve.store.reviews import ReviewItem, Ruling


class SecondOpinions:
    """Draws `share` of the settled tickets; the same `seed` draws the same ones."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._seed = seed

    def drawn(self, decision_id: int) -> bool:
        """Tell whether a ticket goes to a second person."""
        return is_drawn(self._share, self._seed, decision_id)

    def after(self, session: Session, item: ReviewItem, ruling: Ruling) -> None:
        """Put into the queue what a settled item asks for next."""
        if item.kind == "first" and self.drawn(item.decision_id):
            _enqueue(session, item, "second")
        elif item.kind == "second":
            first = session.scalars(
                select(Ruling)
                .join(ReviewItem, ReviewItem.id == Ruling.item_id)
                .where(
                    Ruling.decision_id == item.decision_id,
                    ReviewItem.kind == "first",
                    Ruling.undone_at.is_(None),
                )
            ).first()
            if first is not None and outcome(first) != outcome(ruling):
                _enqueue(session, item, "lead")

    def take_back(self, session: Session, item: ReviewItem) -> bool:
        """Withdraw what followed an item; False if a person has settled or holds that already."""
        follower = {"first": "second", "second": "lead"}.get(item.kind)
        if follower is None:
            return True
        following = session.scalars(
            select(ReviewItem)
            .where(ReviewItem.decision_id == item.decision_id, ReviewItem.kind == follower)
            .with_for_update()
        ).first()
        if following is None or following.status == "withdrawn":
            return True
        taken = following.lease_expires_at is not None and following.lease_expires_at > now()
        if following.status != "waiting" or taken:
            return False
        following.status = "withdrawn"
        return True


def outcome(ruling: Ruling) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a ruling comes down to: the units of each part, in an order of its own."""
    return sorted((part["lead"], tuple(sorted(part["assisting"]))) for part in ruling.parts)


def _enqueue(session: Session, item: ReviewItem, kind: str) -> None:
    again = session.execute(
        update(ReviewItem)
        .where(
            ReviewItem.decision_id == item.decision_id,
            ReviewItem.kind == kind,
            ReviewItem.status == "withdrawn",
        )
        .values(status="waiting", leased_by=None, lease_expires_at=None)
        .returning(ReviewItem.id)
    ).first()
    there = select(ReviewItem.id).where(ReviewItem.decision_id == item.decision_id, ReviewItem.kind == kind)
    if again is None and session.scalars(there).first() is None:
        session.add(
            ReviewItem(
                decision_id=item.decision_id,
                kind=kind,
                status="waiting",
                created_at=now(),
                due_at=item.due_at,
                risk=item.risk,
                score=item.score,
                level=item.level,
                unit=item.unit,
                family=item.family,
                district_code=item.district_code,
                channel=item.channel,
                skipped_by=[],
            )
        )
