"""The cascade on invented margins: 1,000 tickets, three units."""

from __future__ import annotations

import numpy as np
import pytest

from model.cascade import Cascade
from model.errors import ArtifactError

TICKETS, UNITS = 1000, 3


def invent(seed: int = 3, *, wrong_when_sure: float = 0.0):
    """Margins whose lead says how often they are right, and scores of both experts that are right more often."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, UNITS, TICKETS)
    lead = draw.uniform(0, 2, TICKETS)
    right = np.where(lead > 1, draw.random(TICKETS) >= wrong_when_sure, draw.random(TICKETS) < 0.6)
    first = np.where(right, labels, (labels + 1) % UNITS)
    margins = np.full((TICKETS, UNITS), -1.0, dtype=np.float32)
    margins[np.arange(TICKETS), first] += lead
    together = np.full((TICKETS, UNITS), 0.1, dtype=np.float32)
    together[np.arange(TICKETS), np.where(draw.random(TICKETS) < 0.95, labels, first)] = 0.8
    return margins, together, labels


def fit(margins, together, labels, *, most_lost: float = 0.003) -> Cascade | None:
    return Cascade.fit(margins, together, labels, most_lost=most_lost, confidence=0.9)


def test_it_answers_where_the_lead_was_never_wrong_and_not_where_it_was():
    cascade = fit(*invent())
    assert cascade is not None
    assert cascade.least_lead == pytest.approx(1.0, abs=0.11)
    assert cascade.answered == pytest.approx(0.5, abs=0.06)
    assert cascade.lost <= 0.003


def test_a_larger_loss_lets_it_answer_more():
    strict, loose = fit(*invent()), fit(*invent(), most_lost=0.05)
    assert strict is not None
    assert loose is not None
    assert loose.answered > strict.answered


def test_without_a_safe_lead_there_is_none():
    assert fit(*invent(wrong_when_sure=0.3)) is None


def test_too_few_tickets_to_tell_give_none():
    margins, together, labels = invent()
    assert fit(margins[:200], together[:200], labels[:200]) is None


def test_sure_is_what_leads_by_enough():
    cascade = Cascade(0.5, 1.0, 1.0, 0.0, 0.5, 0.0)
    margins = np.array([[1.0, 0.4, 0.0], [1.0, 0.6, 0.0], [0.0, 0.1, 0.9]], dtype=np.float32)
    assert cascade.is_sure(margins).tolist() == [True, False, True]


def test_one_unit_has_no_lead():
    assert Cascade(0.5, 1.0, 1.0, 0.0, 0.5, 0.0).is_sure(np.ones((2, 1), dtype=np.float32)).tolist() == [
        False,
        False,
    ]


def test_scores_are_worth_what_was_seen():
    margins, together, labels = invent(wrong_when_sure=0.04)
    together[:] = 0.1  # so bad that the words alone lose nothing
    cascade = fit(margins, together, labels)
    assert cascade is not None
    sure = cascade.is_sure(margins)
    scores = cascade.calibration.apply(cascade.probabilities(margins[sure]))
    right = margins[sure].argmax(axis=1) == labels[sure]
    assert scores.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.01)
    assert (scores.argmax(axis=1) == margins[sure].argmax(axis=1)).all()


def test_what_is_saved_is_read_back(tmp_path):
    cascade = fit(*invent())
    assert cascade is not None
    cascade.save(tmp_path / "cascade.json")
    assert Cascade.load(tmp_path / "cascade.json") == cascade


def test_no_file_is_no_cascade(tmp_path):
    assert Cascade.load(tmp_path / "cascade.json") is None


@pytest.mark.parametrize("content", ["{", "[]", '{"least_lead": 1}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "cascade.json").write_text(content)
    with pytest.raises(ArtifactError):
        Cascade.load(tmp_path / "cascade.json")
