"""The policy: from a calibrated score to what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from model.decision import Level
from model.json_files import read_json

FORMAT = 2
EVERYWHERE = "*"
"""The one group of a policy of the first format: units of every level of place."""

_NEVER = 2.0  # a threshold that no score reaches
_CONSULT_BELOW = 0.15
_LEAST_TICKETS = 30
_STEADY_TICKETS = 200  # enough that one wrong ticket by chance does not end the walk
_STEPS = 200  # of the grid between 0 and 1


def precision_lower_bound(right: int, total: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a precision seen as `right` of `total`."""
    if right == 0:
        return 0.0
    return float(beta.ppf(1 - confidence, right, total - right + 1))


def precision_upper_bound(right: int, total: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson upper bound of a precision seen as `right` of `total`."""
    if right == total:
        return 1.0
    return float(beta.ppf(confidence, right + 1, total - right))


def lowest_threshold(
    scores: NDArray[np.floating], right: NDArray[np.bool_], precision: float, confidence: float
) -> float:
    """Return the lowest score down to which the precision holds with the given confidence.

    Walks a fixed grid downward and stops at the first threshold that fails, so that no correction for
    looking at many is due (fixed-sequence testing: Angelopoulos et al. 2021, "Learn then Test"). Where
    the walk starts depends on the scores alone. A step that takes in no further ticket does not lower
    the threshold. With too little evidence no score reaches it.
    """
    scores = scores.astype(np.float64)  # numpy would round a threshold to float32, and `level` does not
    best, taken_before = _NEVER, 0
    start = max(_LEAST_TICKETS, min(_STEADY_TICKETS, len(scores) // 2))
    for step in range(_STEPS - 1, int(_CONSULT_BELOW * _STEPS) - 1, -1):
        threshold = step / _STEPS
        taken = scores >= threshold
        count = int(taken.sum())
        if count < start or count == taken_before:
            continue
        if precision_lower_bound(int(right[taken].sum()), count, confidence) < precision:
            break
        best, taken_before = threshold, count
    return best


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a group's first candidates are `auto` and `preselect`; `tickets` it was fit on."""

    auto: float
    preselect: float
    tickets: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds on the first candidate's score, one pair for each level of place of its unit.

    A ticket is `auto` from its group's threshold on unless its unit is in `never_auto`, `preselect` from
    the other one on, `consult` below `consult_threshold`, and `suggest` in between. A unit that the catalog
    gains later falls into the group of its level. Where nothing was seen of a level, nothing of it is
    `auto` or `preselect`. `promised_precision` holds for each group's `auto` tickets with `confidence`.
    """

    groups: Mapping[str, Thresholds]
    consult_threshold: float
    never_auto: tuple[str, ...]
    promised_precision: float
    confidence: float

    @property
    def tickets(self) -> int:
        """Number of tickets that it was fit on."""
        return sum(group.tickets for group in self.groups.values())

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float32],
        right: NDArray[np.bool_],
        units: Sequence[str],
        places: Sequence[str],
        *,
        auto_precision: float,
        preselect_precision: float,
        confidence: float,
    ) -> Policy:
        """Choose thresholds on a slice that neither training nor calibration has to defend.

        Args:
            scores: [N] score of the first candidate.
            right: [N] whether it was the right unit.
            units: [N] its code.
            places: [N] the level of its place: city, district, ...
            auto_precision: promised for `auto`; must hold with `confidence`, not just on average.
            preselect_precision: likewise for `preselect`, of the tickets that are not `auto`.
            confidence: one-sided, of the Clopper-Pearson bound.

        A unit whose own `auto` tickets contradict the promise is never routed automatically.
        """
        codes, levels = np.asarray(units, dtype=str), np.asarray(places, dtype=str)
        groups: dict[str, Thresholds] = {}
        taken = np.zeros(len(scores), dtype=bool)
        for name in sorted(set(levels.tolist())):
            of_group = levels == name
            auto = lowest_threshold(scores[of_group], right[of_group], auto_precision, confidence)
            rest = of_group & (scores.astype(np.float64) < auto)
            below = lowest_threshold(scores[rest], right[rest], preselect_precision, confidence)
            groups[name] = Thresholds(auto, min(auto, below), int(of_group.sum()))
            taken |= of_group & (scores.astype(np.float64) >= auto)
        never = []
        for code in sorted(set(codes[taken].tolist())):
            of_unit = taken & (codes == code)
            most = precision_upper_bound(int(right[of_unit].sum()), int(of_unit.sum()), confidence)
            if most < auto_precision:
                never.append(code)
        return cls(groups, _CONSULT_BELOW, tuple(never), auto_precision, confidence)

    def level(self, score: float, unit: str, place: str, *, held: bool = False) -> Level:
        """Return what may be done with a first candidate of this score, unit and level of place.

        `held` says that the ticket is for a person, however sure the model is.
        """
        group = self.groups.get(place) or self.groups.get(EVERYWHERE)
        if group is not None and score >= group.auto and unit not in self.never_auto and not held:
            return Level.AUTO
        if group is not None and score >= group.preselect:
            return Level.PRESELECT
        return Level.CONSULT if score < self.consult_threshold else Level.SUGGEST

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps({"format": FORMAT} | asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Policy:
        """Read what `save` wrote; a file of the first format becomes one group for every level.

        Raises:
            ArtifactError: the file is missing or holds something else.
        """
        if "format" in read_json(path, dict[str, Any]):
            return read_json(path, cls)
        first = read_json(path, _FirstPolicy)
        everywhere = Thresholds(first.auto_threshold, first.preselect_threshold, first.tickets)
        return cls(
            {EVERYWHERE: everywhere},
            first.consult_threshold,
            first.never_auto,
            first.promised_precision,
            first.confidence,
        )


@dataclass(frozen=True, slots=True)
class _FirstPolicy:
    """A policy of the first format: one pair of thresholds for all units."""

    auto_threshold: float
    preselect_threshold: float
    tickets: int
    consult_threshold: float
    never_auto: tuple[str, ...]
    promised_precision: float
    confidence: float
