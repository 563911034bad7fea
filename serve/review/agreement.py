"""How far two people who saw the same ticket agree, beyond chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import aliased

from serve.store.engine import Store
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
    rows = list(pairs)
    if not rows:
        return None
    count = len(rows)
    observed = sum(a == b for a, b in rows) / count
    first, second = sum(a for a, _ in rows) / count, sum(b for _, b in rows) / count
    chance = first * second + (1 - first) * (1 - second)
    return None if chance >= 1 else (observed - chance) / (1 - chance)


def by_family(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Agreement]:
    """Return the agreement on each family that occurs in pairs of (first, second) person's family."""
    rows = list(pairs)
    result = {}
    for family in sorted({name for pair in rows for name in pair}):
        marks = [(a == family, b == family) for a, b in rows]
        result[family] = Agreement(
            sum(a or b for a, b in marks), sum(a and b for a, b in marks), kappa(marks)
        )
    return result


def measure(store: Store, family_of: Callable[[str], str]) -> Mapping[str, Agreement]:
    """Return the agreement between first and second opinions in the store.

    `family_of` gives the family of a unit's code. Undone rulings do not count.
    """
    first, second = aliased(Ruling), aliased(Ruling)
    first_item, second_item = aliased(ReviewItem), aliased(ReviewItem)
    wanted = (
        select(first.unit, second.unit)
        .join(first_item, first_item.id == first.item_id)
        .join(second, second.decision_id == first.decision_id)
        .join(second_item, second_item.id == second.item_id)
        .where(
            first_item.kind == "first",
            second_item.kind == "second",
            first.undone_at.is_(None),
            second.undone_at.is_(None),
        )
    )
    with store.transaction() as session:
        pairs = [(family_of(a), family_of(b)) for a, b in session.execute(wanted) if a and b]
    return by_family(pairs)
