"""How sure a share is that was counted on few cases."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest


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
    found = binomtest(right, total).proportion_ci(level, method="wilson")
    return Interval(float(found.low), float(found.high))
