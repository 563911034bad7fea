"""What an operator does with a ticket: settle, undo, skip. Each is one transaction and an audit entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.catalog.catalog import Catalog
from serve.review.parts import Settlement, check_parts, stored
from serve.review.problems import NothingToUndo
from serve.review.queue import ReviewQueue, free_for, suits, why_not
from serve.review.second import SecondOpinions
from serve.security.audit import audit_ticket
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import ReviewItem, Ruling

UNDO_WITHIN = timedelta(minutes=30)
"""How long a person can take a ruling back; afterwards the hotline has routed by it."""


@dataclass(frozen=True, slots=True)
class LastRuling:
    """What the person can undo."""

    id: int
    ticket_id: str
    unit: str | None


class Rulings:
    """Writes rulings on items that a person holds."""

    def __init__(
        self,
        store: Store,
        catalog: Callable[[], Catalog],
        second: SecondOpinions,
        lease_seconds: float,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._second = second
        self._lease = timedelta(seconds=lease_seconds)
        self._today = today

    def settle(self, user: User, item_id: int, sent: Settlement) -> int:
        """Settle an item and return the ruling's id; the same request sent again gives the same ruling.

        A lease that ran out is no obstacle as long as nobody else took the ticket.

        Raises:
            LeaseLost, AlreadySettled, NoSuchItem: the item is not this person's.
            UnitRetired, UnusableRuling: the parts cannot be carried out.
        """
        with self._store.transaction() as session:
            known = self._known(session, user, item_id, sent.request_id)
            if known is not None:
                return known
            item = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user), suits(user))
                .values(status="settled", settled_at=now(), leased_by=None, lease_expires_at=None)
                .returning(ReviewItem)
            ).scalar_one_or_none()
            if item is None:  # the same request may have come in between
                known = self._known(session, user, item_id, sent.request_id)
                if known is not None:
                    return known
                raise why_not(session, item_id)
            decision = session.get_one(StoredDecision, item.decision_id)
            check_parts(sent.parts, self._catalog(), len(decision.text or ""), self._today())
            ruling = write_ruling(session, user, item, sent)
            self._second.after(session, item, ruling)
            audit_ticket(
                session,
                user,
                "review.settle",
                decision.ticket_id,
                ruling=ruling.id,
                kind=item.kind,
                unit=ruling.unit,
                rank=ruling.rank,
                mode=ruling.mode,
            )
            return ruling.id

    def undo(self, user: User, ruling_id: int) -> int:
        """Mark a ruling as undone, lease its item to the person again and return the item's id.

        Raises:
            NothingToUndo: it is undone already, another's, too old, or someone acted upon it.
        """
        with self._store.transaction() as session:
            ruling = session.execute(
                update(Ruling)
                .where(
                    Ruling.id == ruling_id,
                    Ruling.user_id == user.id,
                    Ruling.undone_at.is_(None),
                    Ruling.decided_at > now() - UNDO_WITHIN,
                )
                .values(undone_at=now())
                .returning(Ruling)
            ).scalar_one_or_none()
            if ruling is None:
                raise NothingToUndo("这一步已经撤销过，或者已超过可以撤销的时间。")
            item = session.get_one(ReviewItem, ruling.item_id, with_for_update=True)
            if item.status != "settled" or not self._second.take_back(session, item):
                raise NothingToUndo("这件工单已有他人接着处理，不能撤销。请联系班长。")
            ReviewQueue.give_back(session, user)
            item.status, item.settled_at = "waiting", None
            item.leased_by, item.lease_expires_at = user.id, now() + self._lease
            decision = session.get_one(StoredDecision, item.decision_id)
            audit_ticket(session, user, "review.undo", decision.ticket_id, ruling=ruling.id, unit=ruling.unit)
            return item.id

    def skip(self, user: User, item_id: int) -> None:
        """Pass an item on to others; raise as `settle` does if it is not this person's."""
        with self._store.transaction() as session:
            item = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user))
                .values(leased_by=None, lease_expires_at=None)
                .returning(ReviewItem)
            ).scalar_one_or_none()
            if item is None:
                raise why_not(session, item_id)
            if user.id not in item.skipped_by:
                item.skipped_by = [*item.skipped_by, user.id]
            decision = session.get_one(StoredDecision, item.decision_id)
            audit_ticket(session, user, "review.skip", decision.ticket_id, kind=item.kind)

    def last(self, user: User) -> LastRuling | None:
        """Return what the person can undo, if anything."""
        with self._store.transaction() as session:
            row = session.execute(
                select(Ruling.id, StoredDecision.ticket_id, Ruling.unit)
                .join(StoredDecision, StoredDecision.id == Ruling.decision_id)
                .join(ReviewItem, ReviewItem.id == Ruling.item_id)
                .where(
                    Ruling.user_id == user.id,
                    Ruling.undone_at.is_(None),
                    Ruling.decided_at > now() - UNDO_WITHIN,
                    ReviewItem.status == "settled",
                )
                .order_by(Ruling.decided_at.desc(), Ruling.id.desc())
                .limit(1)
            ).first()
            return LastRuling(*row) if row else None

    @staticmethod
    def _known(session: Session, user: User, item_id: int, request_id: str) -> int | None:
        return session.scalars(
            select(Ruling.id).where(
                Ruling.request_id == request_id, Ruling.item_id == item_id, Ruling.user_id == user.id
            )
        ).one_or_none()


def write_ruling(session: Session, user: User, item: ReviewItem, sent: Settlement) -> Ruling:
    """Add a ruling to an item that the caller has checked and settled."""
    ruling = Ruling(
        item_id=item.id,
        decision_id=item.decision_id,
        user_id=user.id,
        request_id=sent.request_id,
        mode=sent.mode,
        unit=sent.parts[0].lead,
        parts=stored(sent.parts),
        rank=sent.rank,
        note=sent.note or None,
        seconds=sent.seconds,
        decided_at=now(),
    )
    session.add(ruling)
    session.flush()
    return ruling
