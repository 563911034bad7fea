"""How far people and units agree with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from data.feedback import FeedbackKind
from model.decision import Level
from serve.feedback.events import ReturnReason
from serve.lead.load import LEVELS, is_first
from serve.lead.statistics import Share
from serve.store.imported import is_live
from serve.store.reviews import FeedbackEvent, ReviewItem, Ruling

UNKNOWN = "未知"
REASONS = {
    ReturnReason.JURISDICTION: "属地不符",
    ReturnReason.AUTHORITY: "权属不清",
    ReturnReason.OVERLAP: "职能交叉",
    ReturnReason.INCOMPLETE: "信息不全",
    ReturnReason.OTHER: "其他",
}

NameOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Taken:
    """How often the unit that the model put first was chosen, of first rulings."""

    overall: Share
    by_level: list[Share]
    by_family: list[Share]


@dataclass(frozen=True, slots=True)
class UnitReturns:
    """What one unit sent back, by reason in the order of REASONS."""

    name: str
    reasons: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return how often it sent something back."""
        return sum(self.reasons)


@dataclass(frozen=True, slots=True)
class Returns:
    """Reports of units that sent a ticket back; `reasons` in the order of REASONS."""

    reasons: tuple[int, ...]
    units: list[UnitReturns]

    @property
    def total(self) -> int:
        """Return how many there were."""
        return sum(self.reasons)


@dataclass(frozen=True, slots=True)
class Audits:
    """How often `auto` was right where people looked."""

    overall: Share
    by_family: list[Share]
    by_district: list[Share]


def measure_taken(session: Session, start: datetime) -> Taken:
    """Count how often the first candidate was taken, by level and by the candidate's family."""
    query = (
        select(
            ReviewItem.level,
            ReviewItem.family,
            func.count(),
            func.sum(case((Ruling.unit == ReviewItem.unit, 1), else_=0)),
        )
        .select_from(Ruling)
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(
            Ruling.decided_at >= start, Ruling.undone_at.is_(None), is_first(), is_live(Ruling.decision_id)
        )
        .group_by(ReviewItem.level, ReviewItem.family)
    )
    levels, families = _Tally(), _Tally()
    for level, family, total, right in session.execute(query):
        levels.add(level, right, total)
        families.add(family or UNKNOWN, right, total)
    by_level = [levels.share(level, LEVELS[level]) for level in Level if levels.total[level]]
    return Taken(levels.overall("首选采纳"), by_level, families.shares())


def measure_returns(session: Session, start: datetime, name_of: NameOf) -> Returns:
    """Count what units sent back, by reason and by unit."""
    query = (
        select(FeedbackEvent.unit, FeedbackEvent.reason, func.count())
        .where(FeedbackEvent.kind == FeedbackKind.RETURNED.value, FeedbackEvent.happened_at >= start)
        .group_by(FeedbackEvent.unit, FeedbackEvent.reason)
    )
    counts: Counter[tuple[str | None, str]] = Counter()
    for unit, reason, number in session.execute(query):
        counts[unit, reason or ReturnReason.OTHER.value] += number
    units = [
        UnitReturns(name_of(unit) if unit else UNKNOWN, tuple(counts[unit, reason] for reason in REASONS))
        for unit in {unit for unit, _ in counts}
    ]
    units.sort(key=lambda unit: (-unit.total, unit.name))
    return Returns(
        tuple(sum(number for (_, said), number in counts.items() if said == reason) for reason in REASONS),
        units,
    )


def measure_audits(session: Session, start: datetime, name_of_place: NameOf) -> Audits:
    """Hold audited `auto` tickets against the ruling that holds: the lead's where two people disagreed."""
    last = (
        select(func.max(Ruling.id))
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(
            Ruling.decided_at >= start,
            Ruling.undone_at.is_(None),
            ReviewItem.level == Level.AUTO.value,
            ReviewItem.kind != "second",  # a blind opinion decides nothing
            is_live(Ruling.decision_id),
        )
        .group_by(Ruling.decision_id)
    )
    query = (
        select(
            ReviewItem.family,
            ReviewItem.district_code,
            func.count(),
            func.sum(case((Ruling.unit == ReviewItem.unit, 1), else_=0)),
        )
        .select_from(Ruling)
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(Ruling.id.in_(last))
        .group_by(ReviewItem.family, ReviewItem.district_code)
    )
    families, districts = _Tally(), _Tally()
    for family, district, total, right in session.execute(query):
        families.add(family or UNKNOWN, right, total)
        districts.add(name_of_place(district) if district else UNKNOWN, right, total)
    return Audits(families.overall("自动派单"), families.shares(), districts.shares())


class _Tally:
    """Adds up counts by name."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.total: Counter[str] = Counter()

    def add(self, key: str, right: int, total: int) -> None:
        self.right[key] += right
        self.total[key] += total

    def share(self, key: str, name: str) -> Share:
        return Share(name, self.right[key], self.total[key])

    def shares(self) -> list[Share]:
        """Return all of them, the largest group first."""
        return [self.share(key, key) for key in sorted(self.total, key=lambda key: (-self.total[key], key))]

    def overall(self, name: str) -> Share:
        return Share(name, self.right.total(), self.total.total())


def names_in(known: Mapping[str, str]) -> NameOf:
    """Return what gives a code's name, and the code itself where the catalog lost it."""
    return lambda code: known.get(code, code)
