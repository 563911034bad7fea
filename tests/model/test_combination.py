from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.combination import Combination

LABELS = np.random.default_rng(1).integers(0, 5, 3000)


def _knowing(strength: float, seed: int = 2) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(len(LABELS), 5))
    return (noise + strength * np.eye(5)[LABELS]).astype(np.float32)


def test_a_useless_expert_gets_no_weight() -> None:
    fitted = Combination.fit(("good", "useless"), [_knowing(4.0), _knowing(0.0, seed=3)], LABELS)
    good, useless = fitted.weights
    assert good > 0.5
    assert useless < 0.1 * good


def test_experts_that_err_apart_are_both_used() -> None:
    fitted = Combination.fit(("a", "b"), [_knowing(2.0), _knowing(2.0, seed=3)], LABELS)
    assert min(fitted.weights) > 0.5


def test_an_overconfident_expert_is_cooled() -> None:
    plain = Combination.fit(("a",), [_knowing(2.0)], LABELS).weights[0]
    loud = Combination.fit(("a",), [10 * _knowing(2.0)], LABELS).weights[0]
    assert loud == pytest.approx(plain / 10, rel=0.05)


def test_scores_are_probabilities() -> None:
    combination = Combination(("a", "b"), (0.7, 0.2))
    scores = combination.scores([_knowing(1.0), _knowing(1.0, seed=3)])
    assert scores.dtype == np.float32
    assert scores.min() >= 0
    assert np.allclose(scores.sum(axis=1), 1.0, atol=1e-5)


def test_scores_follow_the_weights() -> None:
    logits = np.log(np.array([[0.5, 0.3, 0.2]], dtype=np.float32))
    scores = Combination(("a", "b"), (1.0, 0.0)).scores([logits, -logits])
    assert np.allclose(scores, [[0.5, 0.3, 0.2]], atol=1e-6)


@pytest.mark.parametrize("weights", [(0.7, 0.2), (0.7, 0.0), (0.0, 0.0)])
def test_an_impossible_unit_stays_impossible(weights: tuple[float, float]) -> None:
    logits = [_knowing(1.0), _knowing(1.0, seed=3)]
    for array in logits:
        array[:, 2] = -np.inf
    scores = Combination(("a", "b"), weights).scores(logits)
    assert (scores[:, 2] == 0).all()
    assert np.allclose(scores.sum(axis=1), 1.0, atol=1e-5)


def test_save_and_load_give_the_same(tmp_path: Path) -> None:
    combination = Combination(("encoder", "lexical"), (0.1 + 0.2, 1 / 3))
    combination.save(tmp_path / "c.json")
    assert Combination.load(tmp_path / "c.json") == combination
