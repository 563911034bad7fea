"""How far two people who saw the same ticket agree, beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from serve.store.reviews import ReviewItem, Ruling


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on one family: of the tickets where either person chose it.

    `kappa` is Cohen's, family against the rest; None where chance alone would give full agreement.
    """

    either: int
    both: int
    kappa: float | None


def kappa(pairs: Iterable[tuple[bool, bool]]) -> float | None:
    """Return Cohen's kappa (1960) of two raters' yes and no: (observed - chance) / (1 - chance)."""
    counts = Counter(pairs)
    both, neither = counts[True, True], counts[False, False]
    return _kappa(both, both + counts[True, False], both + counts[False, True], neither)


def _kappa(both: int, first: int, second: int, neither: int) -> float | None:
    total = first + second - both + neither
    if total == 0:
        return None
    observed = (both + neither) / total
    chance = (first * second + (total - first) * (total - second)) / total**2
    return None if chance >= 1 else (observed - chance) / (1 - chance)


def by_family(pairs: Mapping[tuple[str, str], int]) -> Mapping[str, Agreement]:
    """Return the agreement on each family, from how often each (first, second) person's family occurred."""
    firsts, seconds = Counter[str](), Counter[str]()
    for (first, second), number in pairs.items():
        firsts[first] += number
        seconds[second] += number
    total = firsts.total()
    result = {}
    for family in sorted(firsts.keys() | seconds.keys()):
        both = pairs.get((family, family), 0)
        either = firsts[family] + seconds[family] - both
        result[family] = Agreement(
            either, both, _kappa(both, firsts[family], seconds[family], total - either)
        )
    return result


def measure(session: Session, family_of: Callable[[str], str], start: datetime) -> Mapping[str, Agreement]:
    """Return the agreement between first and second opinions, of those given from `start` on.

    `family_of` gives the family of a unit's code. Undone rulings do not count.
    """
    first, second = aliased(Ruling), aliased(Ruling)
    first_item, second_item = aliased(ReviewItem), aliased(ReviewItem)
    wanted = (
        select(first.unit, second.unit, func.count())
        .join(first_item, first_item.id == first.item_id)
        .join(second, second.decision_id == first.decision_id)
        .join(second_item, second_item.id == second.item_id)
        .where(
            first_item.kind == "first",
            second_item.kind == "second",
            first.undone_at.is_(None),
            second.undone_at.is_(None),
            second.decided_at >= start,
        )
        .group_by(first.unit, second.unit)
    )
    pairs: Counter[tuple[str, str]] = Counter()
    for a, b, number in session.execute(wanted):
        if a and b:
            pairs[family_of(a), family_of(b)] += number
    return by_family(pairs)
