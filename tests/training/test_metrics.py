import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.metrics import (
    macro_f1,
    mean_reciprocal_rank,
    right_ranks,
    top_k_accuracy,
)

SCORES = np.array(
    [
        [0.7, 0.2, 0.1],  # right class 0: first
        [0.1, 0.3, 0.6],  # right class 1: second
        [0.5, 0.3, 0.2],  # right class 2: third
        [0.2, 0.7, 0.1],  # right class 1: first
    ],
    dtype=np.float32,
)
LABELS = np.array([0, 1, 2, 1])


def test_ranks_of_the_right_classes():
    assert right_ranks(SCORES, LABELS).tolist() == [1, 2, 3, 1]


def test_of_equal_scores_the_lower_class_comes_first():
    scores = np.zeros((3, 3))
    assert right_ranks(scores, np.array([0, 1, 2])).tolist() == [1, 2, 3]


def test_a_rank_of_one_is_what_argmax_picks():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 3, size=(200, 5)).astype(float)  # many ties
    labels = generator.integers(0, 5, size=200)
    assert ((right_ranks(scores, labels) == 1) == (scores.argmax(1) == labels)).all()


def test_impossible_classes_come_last():
    scores = np.array([[-np.inf, -50.0, -60.0]])
    assert right_ranks(scores, np.array([0])).tolist() == [3]


def test_ranks_of_no_tickets():
    assert right_ranks(np.empty((0, 3)), np.empty(0, dtype=np.int64)).tolist() == []


def test_one_class_is_always_right():
    assert right_ranks(np.zeros((2, 1)), np.array([0, 0])).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (np.zeros((2, 3)), np.array([0])),
        (np.zeros((1, 3)), np.array([3])),
        (np.zeros((1, 3)), np.array([-1])),
        (np.array([[np.nan, 0.0]]), np.array([1])),
        (np.zeros(3), np.array([0, 1, 2])),
    ],
    ids=["lengths differ", "label too high", "label negative", "nan", "one dimension"],
)
def test_scores_that_make_no_sense_are_refused(scores, labels):
    with pytest.raises(ValueError):
        right_ranks(scores, labels)


@pytest.mark.parametrize(("k", "share"), [(1, 0.5), (2, 0.75), (3, 1.0), (99, 1.0)])
def test_top_k_accuracy(k, share):
    assert top_k_accuracy(np.array([1, 2, 3, 1]), k) == share


def test_top_k_accuracy_of_no_tickets_is_not_a_number():
    assert math.isnan(top_k_accuracy(np.empty(0, dtype=np.int64), 1))


def test_k_must_be_positive():
    with pytest.raises(ValueError, match="k is 0"):
        top_k_accuracy(np.array([1]), 0)


def test_mean_reciprocal_rank():
    assert mean_reciprocal_rank(np.array([1, 2, 4, 1])) == pytest.approx((1 + 1 / 2 + 1 / 4 + 1) / 4)


def test_macro_f1_by_hand():
    predicted, labels = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    # class 0: precision and recall 1/2; class 1: precision 1, recall 1/2; class 2: predicted, never right
    assert macro_f1(predicted, labels) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)


def test_macro_f1_counts_every_class_alike():
    labels = np.array([0] * 98 + [1] * 2)
    assert macro_f1(np.zeros(100, dtype=np.int64), labels) == pytest.approx((2 * 98 / 198) / 2)


def test_macro_f1_agrees_with_scikit_learn():
    generator = np.random.default_rng(1)
    labels, predicted = generator.integers(0, 30, size=(2, 400))
    expected = f1_score(labels, predicted, average="macro", zero_division=0)
    assert macro_f1(predicted, labels) == pytest.approx(expected)


def test_macro_f1_ignores_classes_that_do_not_occur():
    assert macro_f1(np.array([7, 7]), np.array([7, 7])) == 1.0


def test_macro_f1_of_no_tickets_is_not_a_number():
    empty = np.empty(0, dtype=np.int64)
    assert math.isnan(macro_f1(empty, empty))
