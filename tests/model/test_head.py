from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from model.classifier import CatalogClassifier
from model.encoder import TextEncoder
from model.errors import ArtifactError
from model.head import CatalogHead, HeadWeights
from model.layout import LEVELS, UnitLayout

HIDDEN, FEATURES = 6, 3
LAYOUT = UnitLayout(
    units=("a", "b", "c", "d", "e"),
    families=("f0", "f1", "f2"),
    jurisdictions=("city", "d1", "d2"),
    family_of=np.array([0, 0, 1, 1, 2]),
    jurisdiction_of=np.array([1, 2, 1, 2, 0]),
    level_of=np.array([1, 1, 1, 1, 0]),
)


def _array(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def weights() -> HeadWeights:
    return HeadWeights(
        duty_text=_array(3, HIDDEN, seed=1),
        duty_center=_array(HIDDEN, seed=2),
        duty_scale=np.array([0.7], dtype=np.float32),
        duty_projection=_array(HIDDEN, HIDDEN, seed=3),
        duty=_array(3, HIDDEN, seed=4),
        place=_array(3, HIDDEN, seed=5),
        residual=_array(5, HIDDEN, seed=6),
        bias=_array(5, seed=7),
        evidence=_array(len(LEVELS), FEATURES, seed=8),
    )


class _Given(nn.Module):
    """Stands in for the encoder: its vectors are the token ids."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return input_ids.float()


def _classifier(weights: HeadWeights) -> CatalogClassifier:
    encoder: TextEncoder = _Given()  # type: ignore[assignment]
    classifier = CatalogClassifier(
        encoder,
        LAYOUT,
        hidden_size=HIDDEN,
        evidence_features=FEATURES,
        dropout=0.5,
        duty_dropout=0.5,
        label_smoothing=0.1,
    )
    state = {name: torch.from_numpy(getattr(weights, name)) for name in HeadWeights.__slots__}
    classifier.load_state_dict(state)
    return classifier.eval()


def test_numpy_and_torch_give_the_same_logits(weights: HeadWeights) -> None:
    hidden, evidence = np.arange(4 * HIDDEN).reshape(4, HIDDEN), _array(4, 3, FEATURES, seed=10)
    with torch.no_grad():
        of_torch = _classifier(weights)(
            torch.from_numpy(hidden), torch.ones(4, HIDDEN), torch.from_numpy(evidence)
        )
    of_numpy = CatalogHead(LAYOUT, weights).logits(hidden.astype(np.float32), evidence)
    assert of_numpy.shape == (4, 5)
    assert np.allclose(of_numpy, of_torch["logits"].numpy(), rtol=1e-4, atol=1e-4)


def test_what_the_classifier_learned_comes_out_of_it(weights: HeadWeights) -> None:
    learned = _classifier(weights).head_weights()
    for name in HeadWeights.__slots__:
        assert np.array_equal(getattr(learned, name), getattr(weights, name)), name


def test_a_logit_is_the_sum_of_its_parts(weights: HeadWeights) -> None:
    h, e = _array(1, HIDDEN, seed=9), _array(1, 3, FEATURES, seed=10)
    logits = CatalogHead(LAYOUT, weights).logits(h, e)[0]
    for unit in range(5):
        family, place, level = LAYOUT.family_of[unit], LAYOUT.jurisdiction_of[unit], LAYOUT.level_of[unit]
        duty_text = (weights.duty_text[family] - weights.duty_center) / weights.duty_scale
        expected = (
            weights.duty[family] @ h[0]
            + (weights.duty_projection @ duty_text) @ h[0]
            + weights.place[place] @ h[0]
            + weights.residual[unit] @ h[0]
            + weights.evidence[level] @ e[0, place]
            + weights.bias[unit]
        )
        assert logits[unit] == pytest.approx(float(expected), rel=1e-4, abs=1e-4)


def test_evidence_for_a_place_moves_its_units_alone(weights: HeadWeights) -> None:
    head = CatalogHead(LAYOUT, weights)
    hidden, nothing = _array(1, HIDDEN, seed=9), np.zeros((1, 3, FEATURES), dtype=np.float32)
    something = nothing.copy()
    something[0, 1] = 1.0
    moved = head.logits(hidden, something)[0] != head.logits(hidden, nothing)[0]
    assert moved.tolist() == [True, False, True, False, False]


def test_duties_are_standardised_over_the_families(weights: HeadWeights) -> None:
    classifier = _classifier(weights).train()
    ids = torch.arange(3 * HIDDEN).reshape(3, HIDDEN)
    classifier.read_duties([(ids[:2], torch.ones(2, HIDDEN)), (ids[2:], torch.ones(1, HIDDEN))])
    learned = classifier.head_weights()
    assert np.array_equal(learned.duty_text, ids.numpy())
    standardised = (learned.duty_text - learned.duty_center) / learned.duty_scale
    assert np.allclose(standardised.mean(0), 0, atol=1e-5)
    assert standardised.std(ddof=1) == pytest.approx(1.0, rel=1e-4)
    assert classifier.training


def test_duty_dropout_leaves_the_duty_text_alone(weights: HeadWeights) -> None:
    classifier = _classifier(replace(weights, duty=np.full((3, HIDDEN), 1e6, dtype=np.float32))).train()
    classifier.dropout.p, classifier.duty_dropout = 0.0, 1.0
    logits = classifier(torch.ones(2, HIDDEN), torch.ones(2, HIDDEN), torch.zeros(2, 3, FEATURES))["logits"]
    assert float(logits.detach().abs().max()) < 1e4


def test_save_and_load_give_the_same(weights: HeadWeights, tmp_path: Path) -> None:
    weights.save(tmp_path / "head.safetensors")
    loaded = HeadWeights.load(tmp_path / "head.safetensors")
    for name in HeadWeights.__slots__:
        assert np.array_equal(getattr(loaded, name), getattr(weights, name)), name


def test_a_missing_array_is_named(weights: HeadWeights, tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    weights.save(path)
    save_file({name: array for name, array in load_file(path).items() if name != "place"}, path)
    with pytest.raises(ArtifactError, match="place") as raised:
        HeadWeights.load(path)
    assert raised.value.where == "head.safetensors"
