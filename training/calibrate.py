"""What is found on the latest tickets, which no expert was trained on: weights, curve, cascade, policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import artifact
from model.calibration import Calibration
from model.cascade import Cascade
from model.combination import ENCODER, LEXICAL, Combination
from model.decision import Level
from model.experts import Experts
from model.layout import LEVELS, UnitLayout
from model.policy import Policy
from training.corpus import Corpus
from training.settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How the experts' logits become decisions.

    `scores` float32 [N, U] are those of both experts for the tickets it was fit on, `labels` their units.
    `encoder_alone` is the combination of the encoder with nothing.
    """

    combination: Combination
    encoder_alone: Combination
    calibration: Calibration
    cascade: Cascade | None
    policy: Policy
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    auto_share: float

    def save(self, folder: Path) -> None:
        """Write the parts into an artifact's folder."""
        self.combination.save(folder / artifact.COMBINATION)
        self.calibration.save(folder / artifact.CALIBRATION)
        if self.cascade is not None:
            self.cascade.save(folder / artifact.CASCADE)
        self.policy.save(folder / artifact.POLICY)

    def metrics(self) -> dict[str, float]:
        """Return what the manifest says of it."""
        ranked = np.argsort(-self.scores, axis=1, kind="stable")
        found = ranked[:, :3] == self.labels[:, None]
        return {
            "calibration_top1": round(float(found[:, 0].mean()), 4),
            "calibration_top3": round(float(found.any(1).mean()), 4),
            "calibration_auto_share": round(self.auto_share, 4),
            "encoder_weight_alone": self.encoder_alone.weights[0],
            "cascade_share": round(self.cascade.answered, 4) if self.cascade is not None else 0.0,
        }


def calibrate(experts: Experts, latest: Corpus, layout: UnitLayout, settings: TrainingSettings) -> Calibrated:
    """Fit all that comes after the experts."""
    logits = experts.logits(latest.inputs, experts.read_places(latest.inputs))
    by_encoder, margins = (logits[experts.names.index(name)] for name in (ENCODER, LEXICAL))
    combination = Combination.fit(experts.names, logits, latest.labels)
    alone = Combination.fit([ENCODER], [by_encoder], latest.labels)
    combined = combination.scores(logits)
    calibration = Calibration.fit(combined, latest.labels)
    cascade = Cascade.fit(
        margins,
        combined,
        latest.labels,
        most_lost=settings.cascade_loss,
        confidence=settings.auto_confidence,
    )
    scores = calibration.apply(combined)
    policy, auto_share = _fit_policy(scores, latest, layout, settings)
    return Calibrated(combination, alone, calibration, cascade, policy, scores, latest.labels, auto_share)


def _fit_policy(
    scores: NDArray[np.float32], latest: Corpus, layout: UnitLayout, settings: TrainingSettings
) -> tuple[Policy, float]:
    """Return the policy, and the share of the tickets that it lets pass as `auto`."""
    first = scores.argmax(1)
    confidence = scores.max(1)
    units = [layout.units[i] for i in first]
    places = [LEVELS[layout.level_of[i]].value for i in first]
    policy = Policy.fit(
        confidence,
        first == latest.labels,
        units,
        places,
        auto_precision=settings.auto_precision,
        preselect_precision=settings.preselect_precision,
        confidence=settings.auto_confidence,
    )
    rows = zip(confidence.tolist(), units, places, strict=True)
    return policy, float(np.mean([policy.level(*row) is Level.AUTO for row in rows]))
