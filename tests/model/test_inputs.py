from __future__ import annotations

import pytest

from data.tickets.ticket import Ticket
from model.inputs import model_input


def test_text_without_a_title_is_scored_as_it_is() -> None:
    item = model_input(Ticket("1", "东湖路停水"))
    assert (item.text, item.title_length) == ("东湖路停水", 0)


def test_a_title_comes_first() -> None:
    item = model_input(Ticket("1", "东湖路停水", title="供水问题"))
    assert item.text == "供水问题。东湖路停水"
    assert item.text[item.title_length :] == item.normalised.text


def test_a_title_that_the_text_repeats_is_left_out() -> None:
    assert model_input(Ticket("1", "东湖路停水", title="停水")).text == "东湖路停水"


@pytest.mark.parametrize("title", ["停水 13812345678", None])
def test_numbers_of_people_are_masked(title: str | None) -> None:
    item = model_input(Ticket("1", "东湖路停水，电话13812345678", title=title))
    assert "13812345678" not in item.text
    assert "东湖路停水" in item.text


def test_masking_keeps_the_places_of_characters() -> None:
    item = model_input(Ticket("1", "电话13812345678，东湖路停水", title="供水"))
    assert len(item.text) - item.title_length == len(item.normalised.text)
    start = item.text.index("东湖路")
    span = item.original_span(start, start + 3)
    assert span is not None
    assert item.ticket.text[slice(*span)] == "东湖路"


def test_a_span_leads_back_to_the_text_as_sent() -> None:
    item = model_input(Ticket("1", "  東湖路\u3000\u3000１２號停水", title="供水"))
    start = item.text.index("12号")
    span = item.original_span(start, start + 3)
    assert span is not None
    assert item.ticket.text[slice(*span)] == "１２號"


def test_a_span_in_the_title_leads_nowhere() -> None:
    item = model_input(Ticket("1", "东湖路停水", title="供水问题"))
    assert item.original_span(0, 2) is None
    assert item.original_span(item.title_length, item.title_length + 3) == (0, 3)
