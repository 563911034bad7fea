"""How sure a share is that was counted on few cases."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends of a confidence interval."""

    low: float
    high: float


def wilson_interval(right: int, total: int, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a share seen as `right` of `total` (Wilson 1927).

    Of nothing it is 0 to 1. The bounds of a precision that is promised are in `model.policy`.
    """
    if not 0 <= right <= total:
        raise ValueError(f"{right} of {total}")
    if total == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, scale = right / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z / scale * sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
