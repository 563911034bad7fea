"""The figures of an evaluation, each with its 95% interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.decision import Level
from model.intervals import Interval, wilson_interval
from training import metrics
from training.metrics import ReliabilityBin
from training.report.evaluation import Evaluation
from training.report.groups import Grouping, groups_of, learned_by_unit
from training.resampling import bootstrap_interval

SMALL = 30
"""Groups of fewer tickets are marked: their figures say little."""

_POINTS = 200

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figure:
    """A share or an error with both ends of its interval; all None where there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Headline:
    """All tickets.

    `ece` is over bins of equal mass; `brier` is the mean squared gap between the first candidate's score and
    whether it was right. `auto_share` is the share that the policy would have routed by itself, and
    `auto_precision` how much of that was right.
    """

    tickets: int
    top1: Figure
    top3: Figure
    top5: Figure
    macro_f1: Figure
    ece: Figure
    brier: Figure
    auto_share: Figure
    auto_precision: Figure


@dataclass(frozen=True, slots=True)
class Group:
    """The tickets of one group. `small`: they are few. `learned`: earlier tickets of a unit."""

    name: str
    tickets: int
    small: bool
    top1: Figure
    top3: Figure
    auto_share: Figure
    auto_precision: Figure
    learned: int | None = None


@dataclass(frozen=True, slots=True)
class LevelGroup:
    """The tickets that the policy gave one level."""

    level: str
    tickets: int
    share: float
    top1: Figure
    top3: Figure


@dataclass(frozen=True, slots=True)
class Curve:
    """What a single threshold on the score would give, and where the policy stands.

    `coverage` and `precision` have a point each, from the surest ticket to all of them. The policy has a
    threshold for each level of place, and holds tickets back by their flags, so it need not be on the line.
    """

    coverage: Sequence[float]
    precision: Sequence[float]
    promised: float
    auto: tuple[float, float | None]
    auto_and_preselect: tuple[float, float | None]


def share(right: BoolArray) -> Figure:
    """Return a share with its Wilson interval."""
    if len(right) == 0:
        return Figure(None, None, None)
    value, interval = float(right.mean()), wilson_interval(int(right.sum()), len(right))
    # Rounding leaves an end a hair inside a share of 0 or 1.
    return Figure(value, min(interval.low, value), max(interval.high, value))


def headline(evaluation: Evaluation) -> Headline:
    """Return the figures of all tickets."""
    right, confidence = evaluation.right, evaluation.confidence.astype(np.float64)
    squares = (confidence - right) ** 2
    labels, first = evaluation.labels, evaluation.first
    # A unit that the catalog does not know is a class of its own, never answered.
    classes = np.where(labels < 0, len(evaluation.units), labels)
    ece_interval = metrics.calibration_error_interval(confidence, right)
    return Headline(
        tickets=len(evaluation),
        top1=share(right),
        top3=share(evaluation.within(3)),
        top5=share(evaluation.within(5)),
        macro_f1=_bootstrapped(lambda rows: metrics.macro_f1(first[rows], classes[rows]), len(right)),
        ece=_figure(metrics.expected_calibration_error(confidence, right), ece_interval),
        brier=_bootstrapped(lambda rows: float(squares[rows].mean()), len(right)),
        auto_share=share(evaluation.auto),
        auto_precision=share(right[evaluation.auto]),
    )


def group_table(evaluation: Evaluation, by: Grouping) -> list[Group]:
    """Return the figures of each group, the group of most tickets first."""
    names = np.array(groups_of(evaluation, by), dtype=str)
    found, member = np.unique(names, return_inverse=True)
    learned = _learned(evaluation) if by is Grouping.UNIT and evaluation.labelled.learned else {}
    groups = []
    for number, name in enumerate(found.tolist()):
        chosen = member == number
        auto = evaluation.auto & chosen
        groups.append(
            Group(
                name=name,
                tickets=int(chosen.sum()),
                small=bool(chosen.sum() < SMALL),
                top1=share(evaluation.right[chosen]),
                top3=share(evaluation.within(3)[chosen]),
                auto_share=share(evaluation.auto[chosen]),
                auto_precision=share(evaluation.right[auto]),
                learned=learned.get(name),
            )
        )
    return sorted(groups, key=lambda group: (-group.tickets, group.name))


def level_table(evaluation: Evaluation) -> list[LevelGroup]:
    """Return what the policy's levels came to, from the surest down."""
    return [
        LevelGroup(
            level=level.value,
            tickets=int(chosen.sum()),
            share=float(chosen.mean()),
            top1=share(evaluation.right[chosen]),
            top3=share(evaluation.within(3)[chosen]),
        )
        for level in Level
        for chosen in [evaluation.levels == level.value]
    ]


def curve(evaluation: Evaluation) -> Curve:
    """Return precision by coverage, in at most 200 points."""
    coverage, risk = metrics.risk_coverage_curve(evaluation.confidence, evaluation.right)
    shown = np.unique(np.linspace(0, len(coverage) - 1, min(_POINTS, len(coverage))).round().astype(np.int64))
    preselect = evaluation.levels == Level.PRESELECT.value
    return Curve(
        coverage=coverage[shown].tolist(),
        precision=(1 - risk[shown]).tolist(),
        promised=evaluation.dispatcher.policy.promised_precision,
        auto=_point(evaluation, evaluation.auto),
        auto_and_preselect=_point(evaluation, evaluation.auto | preselect),
    )


def reliability(evaluation: Evaluation) -> list[ReliabilityBin]:
    """Return how sure the model was, and how often it was right, in bins of equal mass."""
    return metrics.reliability_table(evaluation.confidence.astype(np.float64), evaluation.right)


def _point(evaluation: Evaluation, chosen: BoolArray) -> tuple[float, float | None]:
    return float(chosen.mean()), share(evaluation.right[chosen]).value


def _learned(evaluation: Evaluation) -> dict[str, int]:
    seen = learned_by_unit(evaluation)
    return {unit.name: seen[row] for row, unit in enumerate(evaluation.units)}


def _bootstrapped(figure: Callable[[NDArray[np.int64]], float], tickets: int) -> Figure:
    return _figure(figure(np.arange(tickets, dtype=np.int64)), bootstrap_interval(figure, tickets))


def _figure(value: float, interval: Interval) -> Figure:
    return Figure(value, interval.low, interval.high)
