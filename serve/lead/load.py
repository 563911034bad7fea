"""What waits, what was settled, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Select, case, cast, func, select
from sqlalchemy.orm import Session

from model.decision import Level
from serve.lead.statistics import quantile
from serve.lead.window import Window, hour_of, minutes_between
from serve.page import words
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.imported import is_live
from serve.store.people import User
from serve.store.reviews import ReviewItem, Ruling

AGES = {30: "半小时内", 60: "半到 1 小时", 240: "1–4 小时", 1440: "4–24 小时", None: "超过 1 天"}
"""How long tickets have waited: up to so many minutes, None being the rest."""

LEVELS = {level: words.LEVELS[level][0] for level in Level} | {Level.AUTO: "自动（抽检）"}
"""What the desk's tickets are called: of the `auto` ones, only those that are audited come to it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at one level; `ages` are counts in the order of AGES."""

    level: str
    name: str
    ages: tuple[int, ...]
    overdue: int

    @property
    def total(self) -> int:
        """Return how many wait."""
        return sum(self.ages)


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took: the median, and what nine of ten did not exceed; None of nothing."""

    median: float | None
    p90: float | None

    @classmethod
    def of(cls, counts: Mapping[int, int], unit: float = 1.0) -> Times:
        """Take them from how often each number of `unit` occurred."""
        median, p90 = quantile(counts, 0.5), quantile(counts, 0.9)
        return cls(
            None if median is None else median * unit,
            None if p90 is None else p90 * unit,
        )


@dataclass(frozen=True, slots=True)
class Operator:
    """What one person settled, this hour and in the window, and the seconds a ticket took."""

    name: str
    this_hour: int
    settled: int
    seconds: Times


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour or a day: tickets that were answered, of them those for people, and rulings."""

    label: str
    answered: int
    for_people: int
    settled: int


@dataclass(frozen=True, slots=True)
class Load:
    """The load on the desk. `seconds` is from showing a ticket to its ruling, `minutes` from its answer."""

    waiting: list[Waiting]
    consulting: int
    operators: list[Operator]
    seconds: Times
    minutes: Times
    slots: list[Slot]
    answered: Mapping[str, int]  # by level

    @property
    def total_waiting(self) -> int:
        """Return how many tickets wait for a person."""
        return sum(level.total for level in self.waiting)

    @property
    def audits_waiting(self) -> int:
        """Return how many audited `auto` tickets are among them."""
        return sum(level.total for level in self.waiting if level.level == Level.AUTO)

    @property
    def overdue(self) -> int:
        """Return how many of them should have been dispatched already."""
        return sum(level.overdue for level in self.waiting)

    @property
    def settled(self) -> int:
        """Return how many rulings there were in the window."""
        return sum(person.settled for person in self.operators)

    @property
    def this_hour(self) -> int:
        """Return how many there were since the full hour."""
        return sum(person.this_hour for person in self.operators)

    @property
    def auto_share(self) -> float | None:
        """Return the share of the answered tickets that were `auto`."""
        total = sum(self.answered.values())
        return self.answered.get(Level.AUTO, 0) / total if total else None


def measure_load(store: Store, session: Session, window: Window, at: datetime) -> Load:
    """Read the load at a moment; undone rulings do not count, nor tickets that came from a file."""
    start = window.start(at)
    operators, seconds = _operators(session, start, at)
    answered, slots = _flow(store, session, window, at)
    return Load(
        waiting=_waiting(session, at),
        consulting=session.scalar(_consulting()) or 0,
        operators=operators,
        seconds=seconds,
        minutes=_minutes(store, session, start),
        slots=slots,
        answered=answered,
    )


def is_first() -> ColumnElement[bool]:
    """Return the condition that an item is a ticket's first.

    Said so that SQLite finds the rulings by their time and not by this: most items are first ones.
    """
    return ReviewItem.kind.not_in(("second", "lead"))


def _waiting(session: Session, at: datetime) -> list[Waiting]:
    limits = [(i, at - timedelta(minutes=age)) for i, age in enumerate(AGES) if age is not None]
    age = case(*((ReviewItem.created_at > limit, i) for i, limit in limits), else_=len(limits))
    query = (
        select(
            ReviewItem.level,
            age.label("age"),
            func.count(),
            func.sum(case((ReviewItem.due_at < at, 1), else_=0)),
        )
        .where(ReviewItem.status == "waiting", is_live(ReviewItem.decision_id))
        .group_by(ReviewItem.level, "age")
    )
    counts: Counter[tuple[str, int]] = Counter()
    overdue: Counter[str] = Counter()
    for level, bucket, number, late in session.execute(query):
        counts[level, bucket] = number
        overdue[level] += late
    return [
        Waiting(level, LEVELS[level], tuple(counts[level, i] for i in range(len(AGES))), overdue[level])
        for level in Level
    ]


def _consulting() -> Select[int]:
    return select(func.count()).where(ReviewItem.status == "consulting", is_live(ReviewItem.decision_id))


def _operators(session: Session, start: datetime, at: datetime) -> tuple[list[Operator], Times]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    tenths = cast(func.round(Ruling.seconds * 10), Integer)
    query = (
        select(
            Ruling.user_id,
            tenths.label("tenths"),
            func.count(),
            func.sum(case((Ruling.decided_at >= hour, 1), else_=0)),
        )
        .where(Ruling.decided_at >= start, Ruling.undone_at.is_(None), is_live(Ruling.decision_id))
        .group_by(Ruling.user_id, "tenths")
    )
    taken: dict[int, Counter[int]] = {}
    this_hour: Counter[int] = Counter()
    for user, tenth, number, lately in session.execute(query):
        taken.setdefault(user, Counter())[tenth] = number
        this_hour[user] += lately
    names = {row.id: row.display_name for row in session.execute(select(User.id, User.display_name))}
    people = [
        Operator(names[user], this_hour[user], counts.total(), Times.of(counts, 0.1))
        for user, counts in taken.items()
    ]
    together: Counter[int] = Counter()
    for counts in taken.values():
        together.update(counts)
    return sorted(people, key=lambda person: (-person.settled, person.name)), Times.of(together, 0.1)


def _minutes(store: Store, session: Session, start: datetime) -> Times:
    passed = minutes_between(store, ReviewItem.created_at, Ruling.decided_at)
    query = (
        select(passed.label("minutes"), func.count())
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(
            Ruling.decided_at >= start, Ruling.undone_at.is_(None), is_first(), is_live(Ruling.decision_id)
        )
        .group_by("minutes")
    )
    return Times.of({minutes: number for minutes, number in session.execute(query)})  # noqa: C416 - rows


def _flow(
    store: Store, session: Session, window: Window, at: datetime
) -> tuple[Mapping[str, int], list[Slot]]:
    start = window.start(at)
    answered, levels, people, settled = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    hour = hour_of(store, StoredDecision.answered_at)
    query = (
        select(hour.label("hour"), StoredDecision.level, StoredDecision.audited, func.count())
        .where(StoredDecision.answered_at >= start, is_live(StoredDecision.id))
        .group_by("hour", StoredDecision.level, StoredDecision.audited)
    )
    for when, level, audited, number in session.execute(query):
        levels[level] += number
        answered[window.slot(when)] += number
        if level != Level.AUTO or audited:
            people[window.slot(when)] += number
    hour = hour_of(store, Ruling.decided_at)
    rulings = (
        select(hour.label("hour"), func.count())
        .where(Ruling.decided_at >= start, Ruling.undone_at.is_(None), is_live(Ruling.decision_id))
        .group_by("hour")
    )
    for when, number in session.execute(rulings):
        settled[window.slot(when)] += number
    return levels, [Slot(label, answered[label], people[label], settled[label]) for label in window.slots(at)]
