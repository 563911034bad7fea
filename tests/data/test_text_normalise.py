from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.text import Normalised, normalise

# Characters of every kind that the folds treat apart, mixed with arbitrary ones.
TRICKY = st.sampled_from(
    "路灯西ＡＢ１２，：　 \t\n\x00\u200b\u200d\ufe0f\ufeff⻄⻓⽅龍臺①㎡㈱ﷺ½…😀👨\u3164\ud800Å\u0301"
)
TEXTS = st.text(alphabet=st.one_of(TRICKY, st.characters()), max_size=80)


@pytest.mark.parametrize(
    ("original", "folded"),
    [
        ("１２３４５热线", "12345热线"),
        ("龍華區", "龙华区"),
        ("⻄安路⻓江", "西安路长江"),
        ("⽔⽕", "水火"),
        ("，：！？；（）", ",:!?;()"),
        ("ＡＢＣ", "ABC"),
        ("㎡①", "m21"),
        ("路\x00灯\u200b不\ufe0f亮\ufeff", "路灯不亮"),
        ("  路 灯\n\n\t不　　亮  ", "路 灯 不 亮"),
        ("", ""),
        (" \n\u3000", ""),
        ("路灯\ud83d不亮", "路灯不亮"),
        ("路灯不亮。", "路灯不亮。"),
    ],
)
def test_folds_to_the_plain_form(original: str, folded: str) -> None:
    assert normalise(original).text == folded


def test_folds_radicals_that_nfkc_leaves() -> None:
    assert unicodedata.normalize("NFKC", "⻄⻓⻔⻋⻅") == "⻄⻓⻔⻋⻅"
    assert normalise("⻄⻓⻔⻋⻅").text == "西长门车见"


@given(TEXTS)
def test_offsets_never_decrease_and_end_with_the_original_length(text: str) -> None:
    result = normalise(text)
    assert len(result.offsets) == len(result.text) + 1
    assert list(result.offsets) == sorted(result.offsets)
    assert result.offsets[-1] == len(text)
    assert all(0 <= offset < len(text) for offset in result.offsets[:-1])


@given(TEXTS)
def test_every_character_comes_from_where_its_offset_says(text: str) -> None:
    result = normalise(text)
    for char, offset in zip(result.text, result.offsets, strict=False):
        alone = normalise(f"a{text[offset]}a").text
        assert char in alone[1:-1]


@given(TEXTS, st.data())
def test_an_original_span_normalises_to_its_piece(text: str, data: st.DataObject) -> None:
    result = normalise(text)
    start = data.draw(st.integers(0, len(result.text)))
    end = data.draw(st.integers(start, len(result.text)))
    first, last = result.original_span(start, end)
    assert 0 <= first <= last <= len(text)
    piece = normalise(text[first:last]).text
    # A character that folds to several cannot be cut: the span covers all of it.
    assert result.text[start:end].strip() in piece


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(TEXTS)
def test_result_holds_no_runs_of_white_space_and_nothing_unprintable(text: str) -> None:
    result = normalise(text).text
    assert result == " ".join(result.split(" ")).strip()
    assert "  " not in result
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in result)


def test_a_span_leaves_out_what_was_dropped_around_it() -> None:
    text = "路灯\u200b\u200b不亮"
    result = normalise(text)
    assert result.original_span(0, 2) == (0, 2)
    assert result.original_span(2, 4) == (4, 6)


def test_a_character_that_folds_to_several_keeps_its_place() -> None:
    result = normalise("约㎡大")
    assert result == Normalised("约m2大", (0, 1, 1, 2, 3))
    assert result.original_span(1, 3) == (1, 2)


def test_an_empty_span_lies_at_its_start() -> None:
    assert normalise("路 灯").original_span(2, 2) == (2, 2)


def test_is_fast_enough_for_the_scoring_path() -> None:
    text = "市民来电反映：某小区门口的路灯不亮，要求尽快修复。" * 4
    normalise(text)
    best = min(_seconds(text) for _ in range(200))
    assert best < 500e-6  # ten times what an idle machine needs, so that a busy one passes


def _seconds(text: str) -> float:
    started = time.perf_counter()
    normalise(text)
    return time.perf_counter() - started
