"""The error of a figure, and of the gap between two systems, by drawing the tickets again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.intervals import Interval

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RESAMPLES = 1000
SEED = 17


@dataclass(frozen=True, slots=True)
class Comparison:
    """By how much the first of two systems is better on the same tickets.

    `p_value` is the share of resamples in which it is not better.
    """

    difference: float
    interval: Interval
    p_value: float


def bootstrap_interval(
    figure: Callable[[IntArray], float],
    tickets: int,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the percentile bootstrap interval of a figure (Efron 1979).

    `figure` takes the numbers of the tickets drawn, int64 [tickets], and returns its value on them.
    """
    if tickets == 0:
        return Interval(float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    values = [figure(generator.integers(tickets, size=tickets)) for _ in range(resamples)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def paired_bootstrap(
    first: BoolArray, second: BoolArray, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Compare two systems by what each got right, [N], of the same tickets; `level` is the interval's.

    Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation".
    """
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} and {len(second)} tickets")
    gain = first.astype(np.float64) - second
    if len(gain) == 0:
        return Comparison(float("nan"), Interval(float("nan"), float("nan")), float("nan"))
    generator = np.random.default_rng(seed)
    drawn = np.array([gain[generator.integers(len(gain), size=len(gain))].mean() for _ in range(resamples)])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Comparison(float(gain.mean()), Interval(float(low), float(high)), float((drawn <= 0).mean()))
