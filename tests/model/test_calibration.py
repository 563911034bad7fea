from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from model.calibration import Calibration

LABELS = np.random.default_rng(5).integers(0, 6, 4000)


def _scores(sureness: float) -> np.ndarray:
    """Give probabilities that are right when `sureness` is 1 and too sure when it is more."""
    generator = np.random.default_rng(6)
    means = 2.0 * np.eye(6)[LABELS]
    log_likelihood = 2.0 * (means + generator.normal(size=means.shape))  # unit variance: 2x is the evidence
    return softmax(sureness * log_likelihood, axis=1).astype(np.float32)


def _gap(scores: np.ndarray) -> float:
    return abs(float(scores.max(1).mean() - (scores.argmax(1) == LABELS).mean()))


def test_true_scores_are_left_nearly_alone() -> None:
    fitted = Calibration.fit(_scores(1.0), LABELS)
    assert fitted.slope == pytest.approx(1.0, abs=0.15)


def test_scores_that_are_too_sure_are_cooled() -> None:
    loud = _scores(3.0)
    fitted = Calibration.fit(loud, LABELS)
    assert fitted.slope < 0.5
    assert _gap(fitted.apply(loud)) < 0.01 < _gap(loud)


def test_rows_sum_to_one_and_zeros_stay() -> None:
    scores = _scores(1.0)
    scores[:, 3] = 0.0
    scores /= scores.sum(1, keepdims=True)
    calibrated = Calibration(0.6, -0.2).apply(scores)
    assert np.allclose(calibrated.sum(1), 1.0, atol=1e-5)
    assert (calibrated[:, 3] == 0).all()
    assert calibrated.dtype == np.float32


def test_a_unit_that_is_alone_gets_everything() -> None:
    alone = np.array([[0.0, 1.0, 0.0]], dtype=np.float32)
    assert Calibration(0.5, -3.0).apply(alone).tolist() == [[0.0, 1.0, 0.0]]


@pytest.mark.parametrize("intercept", [-4.0, 0.0, 4.0])
def test_the_order_of_candidates_is_kept(intercept: float) -> None:
    scores = _scores(0.3)
    calibrated = Calibration(0.5, intercept).apply(scores)
    assert (np.argsort(-calibrated, 1, kind="stable") == np.argsort(-scores, 1, kind="stable")).all()


def test_without_misses_it_changes_nothing() -> None:
    assert Calibration.fit(np.eye(6, dtype=np.float32)[LABELS], LABELS) == Calibration(1.0, 0.0)


def test_slope_one_changes_nothing() -> None:
    scores = _scores(0.5)
    assert np.allclose(Calibration(1.0, 0.0).apply(scores), scores, atol=1e-5)


def test_save_and_load_give_the_same(tmp_path: Path) -> None:
    calibration = Calibration(0.7, 0.1)
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration
