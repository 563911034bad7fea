"""Challenger minus champion on the same tickets, with the evidence for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, false_discovery_control

from model.intervals import Interval
from training.resampling import SEED

ALL = "all"
FALSE_DISCOVERIES = 0.05
RESAMPLES = 10_000

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Measure(StrEnum):
    """What is compared."""

    TOP1 = "top1"
    TOP3 = "top3"
    AUTO_SHARE = "auto_share"
    AUTO_PRECISION = "auto_precision"


class Verdict(StrEnum):
    """What the evidence says of the challenger."""

    BETTER = "better"
    WORSE = "worse"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion among the tickets of one group; `scope` is `all`, `family` or `district`.

    `interval` is the 95% interval of the paired bootstrap. `p_value` is two-sided: exact where each ticket is
    a yes or a no to both (McNemar 1947), of the bootstrap for the precision of `auto`. `q_value` is `p_value`
    after Benjamini and Hochberg (1995), over the comparisons of all tickets, and over those of groups. The
    verdict needs both: an interval without 0, and a `q_value` of 5% or less.
    """

    scope: str
    name: str
    measure: Measure
    tickets: int
    champion: float
    challenger: float
    difference: float
    interval: Interval
    p_value: float
    q_value: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one side did with N tickets, all bool [N]: right at once, among three, routed by itself."""

    top1: BoolArray
    top3: BoolArray
    auto: BoolArray

    def select(self, chosen: BoolArray) -> Outcomes:
        """Return those of some tickets."""
        return Outcomes(self.top1[chosen], self.top3[chosen], self.auto[chosen])


def compare_outcomes(
    champion: Outcomes,
    challenger: Outcomes,
    groups: Mapping[str, Sequence[str]],
    *,
    least: int,
    seed: int = SEED,
) -> list[Difference]:
    """Compare on all tickets, and in each group of at least so many, by every measure.

    Args:
        champion: outcomes of N tickets.
        challenger: of the same tickets, in the same order.
        groups: for each scope, the group of each ticket, [N]; an empty name is no group.
        least: tickets that a group needs to be compared, and that both sides must have routed by
            themselves for the precision of that to be.
        seed: of the bootstrap.

    Returns:
        Differences of all tickets first, then scope by scope, the group of most tickets first.
    """
    generator = np.random.default_rng(seed)
    found: list[Difference] = []
    everywhere = np.ones(len(champion.top1), dtype=bool)
    for scope, name, chosen in [(ALL, ALL, everywhere), *_groups(groups, least)]:
        sides = champion.select(chosen), challenger.select(chosen)
        for measure in Measure:
            # Resampling the few that one side routed would never show how wrong chance can be.
            if measure is Measure.AUTO_PRECISION and min(side.auto.sum() for side in sides) < least:
                continue
            found.append(replace(_difference(*sides, measure, generator), scope=scope, name=name))
    # What was to be found out first is not weighed down by the many groups that are looked at besides.
    return [*_judged(found, lambda row: row.scope == ALL), *_judged(found, lambda row: row.scope != ALL)]


def _groups(groups: Mapping[str, Sequence[str]], least: int) -> list[tuple[str, str, BoolArray]]:
    found = []
    for scope, names in groups.items():
        member = np.array(names, dtype=str)
        known, sizes = np.unique(member, return_counts=True)
        for size, name in sorted(zip((-sizes).tolist(), known.tolist(), strict=True)):
            if name and -size >= least:
                found.append((scope, name, member == name))
    return found


def _difference(
    champion: Outcomes, challenger: Outcomes, measure: Measure, generator: np.random.Generator
) -> Difference:
    """Resample whole tickets: how many fall into each cell of (champion, challenger) is multinomial."""
    if measure is Measure.AUTO_PRECISION:
        before, after = (side.auto * (1 + side.top1.astype(np.int64)) for side in (champion, challenger))
        figure: Callable[[FloatArray], FloatArray] = _precision
    else:
        name = {Measure.TOP1: "top1", Measure.TOP3: "top3", Measure.AUTO_SHARE: "auto"}[measure]
        before, after = (getattr(side, name).astype(np.int64) for side in (champion, challenger))
        figure = _mean
    tickets, states = len(before), 3 if measure is Measure.AUTO_PRECISION else 2
    cells = np.bincount(before * states + after, minlength=states * states).reshape(1, states, states)
    old = float(figure(cells.sum(axis=2, dtype=np.float64))[0])
    new = float(figure(cells.sum(axis=1, dtype=np.float64))[0])
    drawn = generator.multinomial(tickets, cells.ravel() / tickets, size=RESAMPLES).reshape(
        RESAMPLES, states, states
    )
    gains = figure(drawn.sum(axis=1, dtype=np.float64)) - figure(drawn.sum(axis=2, dtype=np.float64))
    gains = gains[np.isfinite(gains)]
    low, high = np.quantile(gains, [0.025, 0.975])
    p_value = _bootstrap_p(gains) if states == 3 else _exact_p(int(cells[0, 1, 0]), int(cells[0, 0, 1]))
    interval = Interval(float(low), float(high))
    return Difference(
        "", "", measure, tickets, old, new, new - old, interval, p_value, p_value, Verdict.NO_EVIDENCE
    )


def _mean(counts: FloatArray) -> FloatArray:
    """Return the share of state 1, of counts [R, 2] of states."""
    shares: FloatArray = counts[:, 1] / counts.sum(axis=1)
    return shares


def _precision(counts: FloatArray) -> FloatArray:
    """Return right ones among `auto`, of counts [R, 3] of not auto, auto and wrong, auto and right."""
    auto = counts[:, 1] + counts[:, 2]
    shares: FloatArray = np.divide(counts[:, 2], auto, out=np.full(len(auto), np.nan), where=auto > 0)
    return shares


def _exact_p(lost: int, won: int) -> float:
    return float(binomtest(won, lost + won).pvalue) if lost + won else 1.0


def _bootstrap_p(gains: FloatArray) -> float:
    tail = min(int((gains <= 0).sum()), int((gains >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(gains) + 1))


def _judged(found: Sequence[Difference], chosen: Callable[[Difference], bool]) -> list[Difference]:
    """Judge the chosen ones, which are as many comparisons as the false discoveries are controlled over."""
    rows = [row for row in found if chosen(row)]
    if not rows:
        return []
    adjusted = false_discovery_control([row.p_value for row in rows], method="bh")
    judged = []
    for row, q_value in zip(rows, adjusted.tolist(), strict=True):
        verdict = Verdict.NO_EVIDENCE
        if q_value <= FALSE_DISCOVERIES and row.interval.low > 0:
            verdict = Verdict.BETTER
        elif q_value <= FALSE_DISCOVERIES and row.interval.high < 0:
            verdict = Verdict.WORSE
        judged.append(replace(row, q_value=q_value, verdict=verdict))
    return judged
