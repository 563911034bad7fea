"""The cascade: where the lexical expert is sure enough, it answers alone, and the encoder need not run.

How sure it is, is the lead of its first unit's margin over the second's. From which lead on it answers is
chosen on tickets later than training: there it answers as both experts would, but for a bounded loss.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from model.calibration import Calibration
from model.combination import LEXICAL, Combination
from model.errors import ArtifactError

FloatArray = NDArray[np.float32]

_STEP = 0.05
_LEAST_TICKETS = 30


@dataclass(frozen=True, slots=True)
class Cascade:
    """When the lexical expert answers alone, and what its scores are then worth.

    It answers from a lead of `least_lead` on. Its margins times `weight` are log odds up to a constant;
    `slope` and `intercept` are the curve of model.calibration, fit on the tickets that it answers. `answered`
    is their share of the tickets that it was fit on, `lost` how much lower, on all of these, top-1 was.
    """

    least_lead: float
    weight: float
    slope: float
    intercept: float
    answered: float
    lost: float

    @classmethod
    def fit(
        cls,
        margins: FloatArray,
        together: FloatArray,
        labels: NDArray[np.int64],
        *,
        most_lost: float,
        confidence: float,
    ) -> Cascade | None:
        """Find the lowest lead at which the loss in top-1 stays within `most_lost`; None if there is none.

        Args:
            margins: [N, U] of the lexical expert, on tickets that it was not trained on.
            together: [N, U] scores of both experts.
            labels: int64 [N], the right unit of each ticket.
            most_lost: share of all tickets, such as 0.003.
            confidence: one-sided, with which the loss stays within it.

        Walks a fixed grid of leads downward and stops at the first that fails, so that no correction for
        looking at many is due (as model.policy.lowest_threshold).
        """
        lead, first = _lead(margins), margins.argmax(axis=1)
        alone_right, both_right = first == labels, together.argmax(axis=1) == labels
        least: float | None = None
        for step in range(int(lead.max(initial=0.0) / _STEP), 0, -1):
            answered = lead >= step * _STEP
            if answered.sum() < _LEAST_TICKETS:
                continue
            lost = int((answered & both_right & ~alone_right).sum())
            won = int((answered & alone_right & ~both_right).sum())
            if _most_lost(lost, won, len(labels), confidence) > most_lost:
                break
            least = step * _STEP
        if least is None:
            return None
        answered = lead >= least
        scaled = Combination.fit((LEXICAL,), [margins], labels)
        curve = Calibration.fit(scaled.scores([margins[answered]]), labels[answered])
        return cls(
            least_lead=least,
            weight=scaled.weights[0],
            slope=curve.slope,
            intercept=curve.intercept,
            answered=float(answered.mean()),
            lost=float(both_right.mean() - np.where(answered, alone_right, both_right).mean()),
        )

    def is_sure(self, margins: FloatArray) -> NDArray[np.bool_]:
        """Tell of each row of margins [N, U] whether it answers alone."""
        return _lead(margins) >= self.least_lead

    def probabilities(self, margins: FloatArray) -> FloatArray:
        """Return the lexical expert's probabilities [N, U], not calibrated yet."""
        return Combination((LEXICAL,), (self.weight,)).scores([margins])

    @property
    def calibration(self) -> Calibration:
        """Return what makes a score of the first unit's probability."""
        return Calibration(self.slope, self.intercept)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Cascade | None:
        """Read what `save` wrote; None where no lead was safe, and nothing was written.

        Raises:
            ArtifactError: the file is damaged.
        """
        if not path.exists():
            return None
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise ArtifactError(
                f"unreadable ({type(error).__name__})",
                where=str(path),
                fix="Train or copy the artifact again.",
            ) from error


def _lead(margins: FloatArray) -> FloatArray:
    """Return by how much the first of each row is ahead of the second."""
    if margins.shape[1] < 2:
        return np.zeros(len(margins), dtype=np.float32)
    two: FloatArray = np.partition(margins, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def _most_lost(lost: int, won: int, tickets: int, confidence: float) -> float:
    """Return the upper bound of the loss in top-1, of which `lost` and `won` tickets were seen.

    The interval for a difference of paired proportions of Agresti and Min (2005), "Simple improved confidence
    intervals for comparing matched proportions": half a ticket is added to each kind.
    """
    total, worse, better = tickets + 2, lost + 0.5, won + 0.5
    difference = worse - better
    spread = float(np.sqrt(worse + better - difference**2 / total))
    return (difference + float(norm.ppf(confidence)) * spread) / total
