"""The experts put together into one calibrated probability a unit.

score(unit) = softmax over the units of sum_k weight_k * logit_k(unit). The weights are fit by likelihood
on a time slice later than training, so that they combine the experts and scale the temperature (Guo et
al. 2017, "On Calibration of Modern Neural Networks") in one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from model.json_files import read_json

FloatArray = NDArray[np.float32]

ENCODER = "encoder"
LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class Combination:
    """One weight an expert, in the order of `experts`."""

    experts: tuple[str, ...]
    weights: tuple[float, ...]

    @classmethod
    def fit(
        cls, experts: Sequence[str], logits: Sequence[FloatArray], labels: NDArray[np.int64]
    ) -> Combination:
        """Fit the weights by maximum likelihood.

        Args:
            experts: K names.
            logits: K arrays [N, U].
            labels: int64 [N], the right unit of each ticket.
        """
        stacked = np.stack([array.astype(np.float64) for array in logits])
        rows = np.arange(len(labels))

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            combined = np.tensordot(weights, stacked, axes=1)
            log_probability = log_softmax(combined, axis=1)
            surplus = np.exp(log_probability)
            surplus[rows, labels] -= 1.0
            gradient = np.tensordot(stacked, surplus, axes=([1, 2], [0, 1])) / len(labels)
            return -float(log_probability[rows, labels].mean()), gradient

        start = np.full(len(experts), 1.0 / len(experts))
        result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(experts))
        return cls(tuple(experts), tuple(float(weight) for weight in result.x))

    def scores(self, logits: Sequence[FloatArray]) -> FloatArray:
        """Return probabilities [N, U] from K arrays of logits [N, U]; a logit of -inf stays impossible."""
        possible = np.all([np.isfinite(array) for array in logits], axis=0)
        # Where it is impossible an expert of weight 0 would give 0 * -inf, which is no number.
        weighted = [
            weight * np.where(possible, array, 0.0)
            for weight, array in zip(self.weights, logits, strict=True)
        ]
        combined = np.where(possible, np.sum(weighted, axis=0), -np.inf)
        result: FloatArray = softmax(combined, axis=1).astype(np.float32)
        return result

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(
            json.dumps(dict(zip(self.experts, self.weights, strict=True)), indent=2) + "\n", "utf-8"
        )

    @classmethod
    def load(cls, path: Path) -> Combination:
        """Read what `save` wrote; raise ArtifactError for anything else."""
        content = read_json(path, dict[str, float])
        return cls(tuple(content), tuple(content.values()))
