"""Figures from counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from model.intervals import Interval, wilson_interval


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """Return the smallest value that at least `share` of all values do not exceed (nearest rank).

    `counts` says how often each value occurred; None if nothing did.
    """
    wanted = ceil(share * sum(counts.values()))
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted > 0:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some group: `right` of `total`."""

    name: str
    right: int
    total: int

    @property
    def value(self) -> float | None:
        """Return the share; None of nothing."""
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> Interval:
        """Return its Wilson interval, at 95%."""
        return wilson_interval(self.right, self.total)
