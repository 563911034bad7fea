import numpy as np
import pytest

from training.baselines import FrozenEncoderLogistic, MajorityClass, TfidfLinearSVC
from training.errors import TrainingError

ROADS = ["路面坑洼不平", "道路破损严重", "路面塌陷", "道路积水破损"]
NOISE = ["夜间施工噪音扰民", "工地噪音大", "酒吧噪音扰民", "装修噪音"]
LIGHTS = ["路灯不亮", "小区路灯损坏", "路灯长期不亮", "街边路灯损坏"]
TEXTS = ROADS + NOISE + LIGHTS
LABELS = np.array([3] * 4 + [0] * 4 + [5] * 4)
CLASSES = 7  # 1, 2, 4 and 6 never occur


def embed(texts):
    """Stand in for an encoder: which of some characters occur."""
    return np.array([[float(c in text) for c in "路面道噪音灯亮工破"] for text in texts])


LEARNERS = [TfidfLinearSVC, lambda: FrozenEncoderLogistic(embed)]
IDS = ["tfidf", "frozen"]


@pytest.mark.parametrize("make", LEARNERS, ids=IDS)
def test_learns_what_the_words_say(make):
    scores = make().fit(TEXTS, LABELS, CLASSES).scores(["马路路面坑洼", "隔壁工地噪音", "门口路灯不亮"])
    assert scores.argmax(1).tolist() == [3, 0, 5]


@pytest.mark.parametrize("make", [MajorityClass, *LEARNERS], ids=["majority", *IDS])
def test_scores_have_one_finite_float32_a_class(make):
    scores = make().fit(TEXTS, LABELS, CLASSES).scores(["路灯", ""])
    assert (scores.shape, scores.dtype) == ((2, CLASSES), np.float32)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("make", [MajorityClass, *LEARNERS], ids=["majority", *IDS])
def test_classes_never_seen_come_after_those_seen(make):
    scores = make().fit(TEXTS, LABELS, CLASSES).scores(["路灯不亮"])[0]
    assert scores[[1, 2, 4, 6]].max() < scores[[0, 3, 5]].min()


@pytest.mark.parametrize("make", LEARNERS, ids=IDS)
def test_two_classes_have_a_score_each(make):
    two = make().fit(ROADS + NOISE, np.array([1] * 4 + [0] * 4), 2)
    scores = two.scores(["路面破损", "施工噪音"])
    assert scores.argmax(1).tolist() == [1, 0]
    assert scores[:, 0] == pytest.approx(-scores[:, 1], abs=1e-6)


@pytest.mark.parametrize("make", [MajorityClass, *LEARNERS], ids=["majority", *IDS])
def test_no_tickets_no_baseline(make):
    with pytest.raises(TrainingError, match="no tickets"):
        make().fit([], np.empty(0, dtype=np.int64), CLASSES)


@pytest.mark.parametrize("make", LEARNERS, ids=IDS)
def test_one_unit_gives_nothing_to_learn(make):
    with pytest.raises(TrainingError, match="one unit"):
        make().fit(ROADS, np.zeros(4, dtype=np.int64), CLASSES)


@pytest.mark.parametrize("make", [MajorityClass, *LEARNERS], ids=["majority", *IDS])
def test_labels_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match="7 classes"):
        make().fit(["a", "b"], np.array([0, 7]), CLASSES)


@pytest.mark.parametrize("make", LEARNERS, ids=IDS)
def test_fits_the_same_twice(make):
    first, second = (make().fit(TEXTS, LABELS, CLASSES).scores(["路灯噪音"]) for _ in range(2))
    assert np.array_equal(first, second)


def test_scores_many_texts_in_the_order_given():
    model = TfidfLinearSVC().fit(TEXTS, LABELS, CLASSES)
    texts = ["路面塌陷", "装修噪音"] * 300  # more than one piece
    scores = model.scores(texts)
    assert np.allclose(scores, model.scores(texts[:2])[[0, 1] * 300], atol=1e-6)


def test_majority_ranks_by_number_of_tickets():
    scores = MajorityClass().fit(["x"] * 6, np.array([2, 2, 2, 0, 0, 1]), 4).scores(["anything", "else"])
    assert np.argsort(-scores, axis=1).tolist() == [[2, 0, 1, 3]] * 2


def test_majority_scores_are_log_shares():
    scores = MajorityClass().fit(["x"] * 4, np.array([0, 0, 0, 1]), 2).scores(["x"])
    assert np.exp(scores[0]).tolist() == pytest.approx([0.75, 0.25])
