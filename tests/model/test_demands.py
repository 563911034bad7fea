from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.demands import MOST, split_demands


def _pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split_demands(text)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            "市民反映：1、小区门口占道经营严重。2、路灯坏了两个月没人修。",
            ["1、小区门口占道经营严重。", "2、路灯坏了两个月没人修。"],
        ),
        ("反映：一是物业一直不作为；二是小区停水三天。", ["一是物业一直不作为；", "二是小区停水三天。"]),
        (
            "（1）电梯经常坏没有人修（2）车位乱收费没有公示",
            ["（1）电梯经常坏没有人修", "（2）车位乱收费没有公示"],
        ),
        (
            "小区停水三天没有人管。另外，楼下烧烤店油烟很大。",
            ["小区停水三天没有人管。", "另外，楼下烧烤店油烟很大。"],
        ),
        (
            "停车场乱收费没有发票；此外物业不让装充电桩。",
            ["停车场乱收费没有发票；", "此外物业不让装充电桩。"],
        ),
    ],
)
def test_demands_are_taken_apart(text: str, pieces: list[str]) -> None:
    assert _pieces(text) == pieces


@pytest.mark.parametrize(
    "text",
    [
        "",
        "小区停水三天没有人管。",
        "水费由1.5元涨到2.3元不合理",
        "2026年1月1日至2026年2月1日一直停水",
        "1、只有一项诉求的工单写了编号",
        "2、编号不从一开始1、倒着写的",
        "停水。另外。",
        "住在第一小区第二单元的居民反映停水",
    ],
)
def test_a_single_demand_stays_whole(text: str) -> None:
    assert split_demands(text) == []


def test_a_piece_too_short_to_judge_joins_the_one_before() -> None:
    assert _pieces("反映:1.停水三天没人管;2.停电两天也没有人管;3.路灯")[-1] == "2.停电两天也没有人管;3.路灯"


def test_there_are_no_more_pieces_than_a_person_can_look_at() -> None:
    text = "".join(f"{number}、第{number}项诉求需要尽快处理。" for number in range(1, 10))
    pieces = _pieces(text)
    assert len(pieces) == MOST
    assert pieces[-1].endswith("第9项诉求需要尽快处理。")


@given(st.text(alphabet="一二三是、，。；12（）(). 另外此停水无人管\n", max_size=80))
def test_pieces_are_in_order_apart_and_within_the_text(text: str) -> None:
    end = 0
    for start, stop in split_demands(text):
        assert end <= start < stop <= len(text)
        end = stop
