"""The policy: from a calibrated score to what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from model.decision import Level

_NEVER = 2.0  # a threshold that no score reaches
_CONSULT_BELOW = 0.15
_LEAST_TICKETS = 30


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


def _lowest_threshold(
    scores: NDArray[np.float32], right: NDArray[np.bool_], precision: float, confidence: float
) -> float:
    """Return the lowest score from which on the precision holds with the given confidence."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    best = _NEVER
    for taken in range(_LEAST_TICKETS, len(order) + 1):
        is_last_of_its_score = taken == len(order) or scores[order[taken]] < scores[order[taken - 1]]
        if (
            is_last_of_its_score
            and precision_lower_bound(int(hits[taken - 1]), taken, confidence) >= precision
        ):
            best = float(scores[order[taken - 1]])
    return best


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds on the first candidate's score.

    A ticket is `auto` from `auto_threshold` on unless its unit is in `never_auto`, `preselect` from
    `preselect_threshold` on, `consult` below `consult_threshold`, and `suggest` in between.
    `promised_precision` holds for `auto` tickets with `confidence`; it was measured on `tickets` tickets.
    """

    auto_threshold: float
    preselect_threshold: float
    consult_threshold: float
    never_auto: tuple[str, ...]
    promised_precision: float
    confidence: float
    tickets: int

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float32],
        right: NDArray[np.bool_],
        units: Sequence[str],
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
            auto_precision: promised for `auto`; must hold with `confidence`, not just on average.
            preselect_precision: likewise for `preselect`.
            confidence: one-sided, of the Clopper-Pearson bound.

        A unit whose own `auto` tickets contradict the promise is never routed automatically.
        """
        auto = _lowest_threshold(scores, right, auto_precision, confidence)
        codes = np.asarray(units)
        taken = scores >= auto
        never = []
        for code in sorted(set(codes[taken])):
            of_unit = taken & (codes == code)
            if (
                precision_upper_bound(int(right[of_unit].sum()), int(of_unit.sum()), confidence)
                < auto_precision
            ):
                never.append(str(code))
        return cls(
            auto_threshold=auto,
            preselect_threshold=min(auto, _lowest_threshold(scores, right, preselect_precision, confidence)),
            consult_threshold=_CONSULT_BELOW,
            never_auto=tuple(never),
            promised_precision=auto_precision,
            confidence=confidence,
            tickets=len(scores),
        )

    def level(self, score: float, unit: str) -> Level:
        """Return what may be done with a first candidate of this score and unit."""
        if score >= self.auto_threshold and unit not in self.never_auto:
            return Level.AUTO
        if score >= self.preselect_threshold:
            return Level.PRESELECT
        return Level.CONSULT if score < self.consult_threshold else Level.SUGGEST

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Policy:
        """Read what `save` wrote."""
        content = json.loads(path.read_text("utf-8"))
        return cls(**content | {"never_auto": tuple(content["never_auto"])})
