"""The lexical expert on a few invented texts."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from model.errors import ArtifactError
from model.lexical import LexicalExpert
from model.segment import Segmenter

TEXTS = ["小区停水两天", "水压太低经常停水", "路灯不亮", "路灯坏了没人修", "公交车司机甩站", "公交车等了很久"]


def fitted(labels, units):
    return LexicalExpert.fit(TEXTS, np.array(labels), units, Segmenter(), min_documents=1)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1]])
def test_training_texts_are_told_apart(labels):
    margins = fitted(labels, 3).decision(TEXTS)
    assert margins.argmax(1).tolist() == labels


def test_a_unit_never_seen_ranks_last():
    expert = fitted([0, 0, 1, 1, 3, 3], 4)
    assert expert.texts.tolist() == [2, 2, 0, 2]
    assert (expert.decision(TEXTS).argmin(1) == 2).all()


def test_top_terms_stand_in_the_text():
    text = "今天小区又停水"
    expert = fitted([0, 0, 1, 1, 2, 2], 3)
    terms = expert.top_terms(expert.read(text), 0)
    assert terms
    assert all(text[term.start : term.end] == term.term and term.weight > 0 for term in terms)


def test_a_term_is_named_once_where_it_first_stands():
    text = "停水又停水"
    expert = fitted([0, 0, 1, 1, 2, 2], 3)
    terms = [term for term in expert.top_terms(expert.read(text), 0, k=50) if term.term == "停水"]
    assert {(term.start, term.end) for term in terms} == {(0, 2)}
    assert len(terms) == 2  # as a word and as two characters


def test_what_is_saved_is_read_back(tmp_path):
    expert = fitted([0, 0, 1, 1, 2, 2], 3)
    expert.save(tmp_path / "lexical")
    assert np.array_equal(LexicalExpert.load(tmp_path / "lexical").decision(TEXTS), expert.decision(TEXTS))


def test_damaged_weights_are_refused(tmp_path):
    fitted([0, 0, 1, 1, 2, 2], 3).save(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="lexical"):
        LexicalExpert.load(tmp_path)


def with_stranger():
    expert = fitted([0, 0, 1, 1, 2, 2], 3)
    return expert, expert.with_units(
        [[0], [1], [2], [0, 1, 2]], np.zeros(4, dtype=bool), {3: "路灯不亮怎么办"}, np.array([2, 2, 2, 0])
    )


def test_a_stranger_is_scored_by_the_words_of_its_duty():
    _, applied = with_stranger()
    near, far = applied.decision(["路灯不亮", "公交车等了很久"])[:, 3]
    assert near > far


def test_a_stranger_leaves_the_margins_of_others():
    expert, applied = with_stranger()
    assert np.array_equal(applied.decision(TEXTS)[:, :3], expert.decision(TEXTS))


def test_the_words_of_a_duty_are_reasons():
    _, applied = with_stranger()
    terms = applied.top_terms(applied.read("楼下路灯不亮"), 3)
    assert any(term.term == "路灯" for term in terms)


def test_a_stranger_is_saved_and_read_back(tmp_path):
    _, applied = with_stranger()
    applied.save(tmp_path / "lexical")
    loaded = LexicalExpert.load(tmp_path / "lexical")
    assert np.array_equal(loaded.decision(TEXTS), applied.decision(TEXTS))
    assert loaded.texts.tolist() == [2, 2, 2, 0]


def test_an_expert_that_did_not_count_its_texts_is_read(tmp_path):
    folder = tmp_path / "lexical"
    fitted([0, 0, 1, 1, 3, 3], 4).save(folder)
    tensors = load_file(folder / "weights.safetensors")
    del tensors["texts"]
    save_file(tensors | {"seen": np.array([0, 1, 3])}, folder / "weights.safetensors")
    texts = LexicalExpert.load(folder).texts
    assert texts[2] == 0
    assert texts[[0, 1, 3]].min() > 1_000_000
