"""The last step before a score is shown: what the first candidate's probability is really worth.

A weighted sum of experts is too sure where they agree and not sure enough where they do not. A logistic
curve over the first candidate's log odds puts both right (Platt 1999, "Probabilistic Outputs for Support
Vector Machines"; for the first candidate alone as in Guo et al. 2017, "On Calibration of Modern Neural
Networks"). The order of the candidates stays as it was.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from model.json_files import read_json

FloatArray = NDArray[np.float32]

_SUREST = 1 - 1e-6
_LEAST_OF_A_KIND = 10
_LEAD = 1e-6  # by how much, relatively, the first candidate stays ahead of the second


@dataclass(frozen=True, slots=True)
class Calibration:
    """score(first) = 1 / (1 + exp(-(slope * log odds + intercept))); the other units share the rest.

    With slope 1 and intercept 0 it changes nothing.
    """

    slope: float
    intercept: float

    @classmethod
    def fit(cls, scores: FloatArray, labels: NDArray[np.int64]) -> Calibration:
        """Fit the curve by likelihood on tickets that the experts were not trained on.

        Args:
            scores: [N, U] probabilities of the combined experts.
            labels: int64 [N], the right unit of each ticket.

        Where nearly all first candidates are right, or wrong, there is no curve to see: it changes nothing.
        """
        from sklearn.linear_model import LogisticRegression  # a serving process does without

        right = scores.argmax(axis=1) == labels
        if min(right.sum(), (~right).sum()) < _LEAST_OF_A_KIND:
            return cls(1.0, 0.0)
        curve = LogisticRegression().fit(_log_odds(scores.max(axis=1))[:, None], right)
        slope = float(curve.coef_[0, 0])
        return cls(slope, float(curve.intercept_[0])) if slope > 0 else cls(1.0, 0.0)

    def apply(self, scores: FloatArray) -> FloatArray:
        """Return the calibrated probabilities [N, U]; rows sum to 1, zeros stay zero, the order is kept."""
        rows, first = np.arange(len(scores)), scores.argmax(axis=1)
        found = scores.astype(np.float64)
        before = found[rows, first]
        found[rows, first] = 0.0
        second, others = found.max(axis=1), found.sum(axis=1)
        after = expit(self.slope * _log_odds(before) + self.intercept)
        alone = others == 0.0
        others[alone] = 1.0
        # The least that keeps the first candidate first when the others share what it leaves.
        least = second / (others + second) * (1 + _LEAD)
        after = np.where(alone, 1.0, np.maximum(after, least))
        found *= ((1 - after) / others)[:, None]
        found[rows, first] = after
        return found.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote; raise ArtifactError for anything else."""
        return read_json(path, cls)


def _log_odds(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = logit(np.clip(scores.astype(np.float64), 1 - _SUREST, _SUREST))
    return clipped
