from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.text import mask_pii


@pytest.mark.parametrize(
    "secret",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+8613800138000",
        "+86 138 0013 8000",
        "013800138000",
        "0898-66250000",
        "089866250000",
        "(0898)66250000",
        "0898-66250000-801",
        "010-66250000",
        "110101199003070000",
        "11010119900307000X",
        "11010119900307000x",
        "110101 19900307 0000",
        "110101900307000",
        "6222020200000000000",
        "6222 0202 0000 0000",
        "6222 0202 0000 0000 000",
        "6222020200000",
        "琼A12345",
        "琼a12345",
        "琼A·12345",
        "京A D1234",
        "粤BD12345",
        "粤B12345F",
        "粤Z1234港",
        "京A1234警",
        "li.lei+a@mail.example.com",
        "１３８００１３８０００",
        "琼Ａ１２３４５",
    ],
)
def test_masks_all_of_it_and_nothing_else(secret: str) -> None:
    assert mask_pii(f"其为{secret}，请联系") == f"其为{'*' * len(secret)}，请联系"


def test_masks_a_local_number_only_after_a_word_for_telephone() -> None:
    assert mask_pii("电话：66250000。赔偿66250000元") == "电话：********。赔偿66250000元"


def test_masks_two_numbers_that_run_into_each_other() -> None:
    assert mask_pii("1380013800013900139000") == "*" * 22


@pytest.mark.parametrize(
    "text",
    [
        "拨打12345热线和110、122",
        "2018-05-01 12:30:05",
        "20180501",
        "赔偿3000000元",
        "海甸五西路12号3栋1单元402房",
        "400-800-8820",
        "K4快线A12路公交车",
        "138****8000",
        "琼A****5",
        "身份证号4601***********012",
        "车牌为[PLATE]，电话[NUM]",
        "新开的A栋",
        "",
    ],
)
def test_leaves_what_points_to_nobody(text: str) -> None:
    assert mask_pii(text) == text


@given(st.text(alphabet=st.sampled_from("琼京A1b02 -.@+（）(x电话：路，１Ａ挂"), max_size=60))
def test_keeps_the_length_and_every_character_that_is_not_masked(text: str) -> None:
    masked = mask_pii(text)
    assert len(masked) == len(text)
    assert all(new in (old, "*") for old, new in zip(text, masked, strict=True))


@given(st.text(alphabet=st.sampled_from("琼京A1b02 -.@+()x路，"), max_size=60))
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask_pii(mask_pii(text)) == mask_pii(text)


@pytest.mark.parametrize("hostile", ["a", "1", "a@", "1 ", "琼a", "电话", "1111 ", "0898-", "琼A1"])
def test_no_text_makes_it_slow(hostile: str) -> None:
    text = hostile * (20_000 // len(hostile))
    started = time.perf_counter()
    mask_pii(text)
    assert time.perf_counter() - started < 2
