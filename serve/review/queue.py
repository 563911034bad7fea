"""Who gets which ticket next: leases on review items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Integer, and_, cast, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from serve.review.problems import AlreadySettled, LeaseLost, NoSuchItem
from serve.security.roles import Role
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import ReviewItem, Ruling

LEADING = frozenset({Role.LEAD, Role.ADMIN})
"""Roles that settle what two operators disagree on."""

SEARCHED = 50_000
"""How many of the newest items a search reads through; older ones are found by their whole id."""

_GONE = {
    "settled": "已在别处办结",
    "consulting": "已转入会商",
    "withdrawn": "已被更新的内容取代",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What an operator wants to see; None means any. `older_than` is in minutes since it came."""

    level: str | None = None
    district: str | None = None
    family: str | None = None
    channel: str | None = None
    older_than: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a review item."""
        wanted: list[ColumnElement[bool]] = [
            column == value
            for column, value in (
                (ReviewItem.level, self.level),
                (ReviewItem.district_code, self.district),
                (ReviewItem.family, self.family),
                (ReviewItem.channel, self.channel),
            )
            if value
        ]
        if self.older_than:
            wanted.append(ReviewItem.created_at <= now() - timedelta(minutes=self.older_than))
        return wanted


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket that a search found."""

    item_id: int
    ticket_id: str
    start: str
    status: str
    level: str


class ReviewQueue:
    """The waiting items, and their leases of `lease_seconds`."""

    def __init__(self, store: Store, lease_seconds: float) -> None:
        self._store = store
        self._lease = timedelta(seconds=lease_seconds)

    def claim(self, user: User, filters: Filters | None = None) -> int | None:
        """Lease the next item to `user` and return its id; None if nothing waits for this person.

        What the person holds already comes first, so that a reload or a second tab shows the same ticket.
        """
        with self._store.transaction() as session:
            held = self._held(session, user)
            return held if held is not None else self._take_next(session, user, filters or Filters())

    def take(self, user: User, item_id: int) -> None:
        """Lease one certain item to `user`, giving back what else the person holds.

        Raises:
            LeaseLost: another person holds it.
            AlreadySettled: it has left the queue.
            NoSuchItem: there is none.
        """
        with self._store.transaction() as session:
            taken = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user), suits(user))
                .values(leased_by=user.id, lease_expires_at=now() + self._lease)
                .returning(ReviewItem.id)
            ).scalar_one_or_none()
            if taken is None:
                raise why_not(session, item_id)
            self.give_back(session, user, but=item_id)

    def renew(self, user: User, item_id: int) -> None:
        """Prolong a lease; raise as `take` does if it is no longer this person's."""
        with self._store.transaction() as session:
            renewed = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user))
                .values(leased_by=user.id, lease_expires_at=now() + self._lease)
                .returning(ReviewItem.id)
            ).scalar_one_or_none()
            if renewed is None:
                raise why_not(session, item_id)

    def hand_over(self, user: User, item_id: int, to: User) -> None:
        """Lease to `to` what `user` holds; raise as `take` does if `user` holds it no longer."""
        with self._store.transaction() as session:
            moved = session.execute(
                update(ReviewItem)
                .where(ReviewItem.id == item_id, ReviewItem.status == "waiting", free_for(user), suits(to))
                .values(leased_by=to.id, lease_expires_at=now() + self._lease)
                .returning(ReviewItem.id)
            ).scalar_one_or_none()
            if moved is None:
                raise why_not(session, item_id)

    def forget_skips(self, user: User) -> None:
        """Let the person see again what they skipped."""
        with self._store.transaction() as session:
            rows = session.scalars(
                select(ReviewItem).where(ReviewItem.status == "waiting", _skipped(session, user))
            )
            for item in rows:
                item.skipped_by = [other for other in item.skipped_by if other != user.id]

    def counts(self) -> Mapping[str, int]:
        """Return how many items wait, by level."""
        with self._store.transaction() as session:
            rows = session.execute(
                select(ReviewItem.level, func.count())
                .where(ReviewItem.status == "waiting")
                .group_by(ReviewItem.level)
            )
            return {row[0]: row[1] for row in rows}

    def skipped_count(self, user: User) -> int:
        """Return how many waiting items `user` has passed on."""
        with self._store.transaction() as session:
            wanted = select(func.count()).where(ReviewItem.status == "waiting", _skipped(session, user))
            return session.execute(wanted).scalar_one()

    def choices(self) -> Mapping[str, list[str]]:
        """Return the districts, families and channels that occur among the waiting items."""
        columns = {
            "district": ReviewItem.district_code,
            "family": ReviewItem.family,
            "channel": ReviewItem.channel,
        }
        with self._store.transaction() as session:
            return {
                name: [
                    value
                    for value in session.scalars(
                        select(column).where(ReviewItem.status == "waiting").distinct().order_by(column)
                    )
                    if value
                ]
                for name, column in columns.items()
            }

    def search(self, words: str, limit: int = 20) -> list[Found]:
        """Find tickets by their id, or the newest by its start or a piece of their text; newest first."""
        escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        newest = select(func.max(ReviewItem.id) - SEARCHED).scalar_subquery()
        among_newest = and_(
            ReviewItem.id > newest,
            or_(
                StoredDecision.ticket_id.like(f"{escaped}%", escape="\\"),
                StoredDecision.text.like(f"%{escaped}%", escape="\\"),
            ),
        )
        found: dict[int, Found] = {}
        with self._store.transaction() as session:
            for condition in (StoredDecision.ticket_id == words, among_newest):
                rows = session.execute(
                    select(
                        ReviewItem.id,
                        StoredDecision.ticket_id,
                        func.substr(func.coalesce(StoredDecision.text, ""), 1, 60),
                        ReviewItem.status,
                        ReviewItem.level,
                    )
                    .join(StoredDecision, StoredDecision.id == ReviewItem.decision_id)
                    .where(condition, ReviewItem.kind == "first")
                    .order_by(ReviewItem.id.desc())
                    .limit(limit)
                )
                found |= {row[0]: Found(*row) for row in rows if row[0] not in found}
        return list(found.values())[:limit]

    def _held(self, session: Session, user: User) -> int | None:
        first = (
            select(ReviewItem.id)
            .where(
                ReviewItem.status == "waiting",
                ReviewItem.leased_by == user.id,
                ReviewItem.lease_expires_at > now(),
            )
            .order_by(ReviewItem.due_at, ReviewItem.id)
            .limit(1)
            .with_for_update()
        )
        return session.execute(
            update(ReviewItem)
            .where(ReviewItem.id == first.scalar_subquery(), ReviewItem.leased_by == user.id)
            .values(lease_expires_at=now() + self._lease)
            .returning(ReviewItem.id)
        ).scalar_one_or_none()

    def _take_next(self, session: Session, user: User, filters: Filters) -> int | None:
        # One statement: PostgreSQL skips rows that others are taking, SQLite has one writer at a time (and
        # ignores the clause).
        best = (
            select(ReviewItem.id)
            .where(
                ReviewItem.status == "waiting",
                or_(ReviewItem.leased_by.is_(None), ReviewItem.lease_expires_at <= now()),
                ~_skipped(session, user),
                suits(user),
                *filters.conditions(),
            )
            .order_by(ReviewItem.due_at, ReviewItem.risk.desc(), ReviewItem.score, ReviewItem.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return session.execute(
            update(ReviewItem)
            .where(ReviewItem.id == best.scalar_subquery())
            .values(leased_by=user.id, lease_expires_at=now() + self._lease)
            .returning(ReviewItem.id)
        ).scalar_one_or_none()

    @staticmethod
    def give_back(session: Session, user: User, but: int | None = None) -> None:
        """End the leases of `user`, except that on item `but`."""
        session.execute(
            update(ReviewItem)
            .where(
                ReviewItem.leased_by == user.id, ReviewItem.status == "waiting", ReviewItem.id != (but or 0)
            )
            .values(leased_by=None, lease_expires_at=None)
        )


def free_for(user: User) -> ColumnElement[bool]:
    """Return the condition that nobody else holds a valid lease on the item."""
    return or_(
        ReviewItem.leased_by.is_(None),
        ReviewItem.leased_by == user.id,
        ReviewItem.lease_expires_at <= now(),
    )


def suits(user: User) -> ColumnElement[bool]:
    """Return the condition that the item may be this person's.

    A second opinion comes from another person than the first; a disagreement goes to a lead.
    """
    own = exists().where(
        Ruling.decision_id == ReviewItem.decision_id,
        Ruling.user_id == user.id,
        Ruling.undone_at.is_(None),
    )
    second = and_(ReviewItem.kind == "second", ~own)
    if user.role in LEADING:
        return or_(ReviewItem.kind.in_(("first", "lead")), second)
    return or_(ReviewItem.kind == "first", second)


def why_not(session: Session, item_id: int) -> Exception:
    """Return why an item cannot be had."""
    item = session.get(ReviewItem, item_id, populate_existing=True)
    if item is None:
        return NoSuchItem()
    if item.status != "waiting":
        return AlreadySettled(_GONE[item.status])
    holder = session.get(User, item.leased_by) if item.leased_by else None
    return LeaseLost(holder.display_name if holder else "其他人员")


def _skipped(session: Session, user: User) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "postgresql":
        return cast(ReviewItem.skipped_by, JSONB).contains([user.id])
    entries = func.json_each(ReviewItem.skipped_by).table_valued("value")
    return exists(select(1).select_from(entries).where(cast(entries.c.value, Integer) == user.id))
