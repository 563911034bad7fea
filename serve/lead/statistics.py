"""Figures from counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
"""Of the intervals that the page shows, two-sided."""


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


def wilson(right: int, total: int) -> tuple[float, float]:
    """Return the score interval of a share seen as `right` of `total` (Wilson 1927); (0, 1) of nothing."""
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, scale = right / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z / scale * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


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
    def interval(self) -> tuple[float, float]:
        """Return its Wilson interval."""
        return wilson(self.right, self.total)
