import pytest

from model.explain import _UNREADABLE


@pytest.mark.parametrize("word", ["1880000", "施工,", "a_b", "163"])
def test_numbers_and_punctuation_are_no_reason(word):
    assert _UNREADABLE.search(word)


@pytest.mark.parametrize("word", ["占道经营", "12号", "WiFi"])
def test_words_are(word):
    assert not _UNREADABLE.search(word)
