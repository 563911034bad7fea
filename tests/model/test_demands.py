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
        # Nothing was told before: what is asked for is all there is.
        (
            "来电人系东湖小区业主，要求：1、尽快修好小区门口的路灯；2、清理占道经营的摊贩。",
            ["1、尽快修好小区门口的路灯；", "2、清理占道经营的摊贩。"],
        ),
        (
            "来电人要求：一、修补第三街道的路面坑洼；二、给幸福路公交站加一个座椅。",
            ["一、修补第三街道的路面坑洼；", "二、给幸福路公交站加一个座椅。"],
        ),
        (
            "市民反映：东湖区府前街道新河村要求：1.修好损坏的路灯；2.清理村口堆放的垃圾。",
            ["1.修好损坏的路灯；", "2.清理村口堆放的垃圾。"],
        ),
        # It asks for something, but lists what is wrong.
        (
            "小区入住五年管理混乱，希望有关部门解决以下问题：一是电梯三天两头停运；二是地下车库积水没人抽。",
            ["一是电梯三天两头停运；", "二是地下车库积水没人抽。"],
        ),
        # The unit's answer of last time is no demand; what the caller says to it is.
        (
            "河边烧烤油烟大，区里答复：一、已经上门劝离；二、将加强巡查。来电人表示：1、摊贩当晚又来了没人管；2、垃圾至今堆在河边。",
            ["1、摊贩当晚又来了没人管；", "2、垃圾至今堆在河边。"],
        ),
        # Numbers within a number.
        (
            "反映：一、小区停水：（1）早上六点停一次；（2）晚上九点停一次；二、楼下施工噪音到半夜。",
            ["一、小区停水：（1）早上六点停一次；（2）晚上九点停一次；", "二、楼下施工噪音到半夜。"],
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


@pytest.mark.parametrize(
    "text",
    [
        "小区南门夜间施工到凌晨两点，多次劝说无果。要求：一、立即停止夜间施工；二、查处施工单位；三、书面回复处理结果。",
        "公司拖欠工资三个月，老板电话停机。诉求为：1、发放拖欠的工资；2、补缴社会保险；3、查处公司法人。",
        "河边新建两层房屋没有审批手续，希望：1.公布有没有审批手续；2.如果是违建依法拆除。",
        "幼儿园食堂卫生很差，孩子吃了拉肚子，请求有关部门：（1）对食堂进行检查；（2）公布检查的结果。",
        "出租车绕路还多收三十元，来电人的诉求主要有以下几点：一是退还多收的车费；二是处罚这名司机。",
        "物业收费涨了三成没有公示，不合理的理由：1、没有经过业主大会同意；2、服务没有任何变化。",
        "反映路灯不亮两个月，区里答复：一、已经派人到现场查看；二、材料到了就会修好。",
    ],
)
def test_a_list_about_one_complaint_is_not_several_demands(text: str) -> None:
    assert split_demands(text) == []


def test_what_comes_besides_the_requests_is_a_demand_of_its_own() -> None:
    text = "小区夜间施工扰民。要求：一、停止夜间施工；二、查处施工单位。另外，东门外的路灯两个月不亮。"
    at = text.index("另外")
    assert _pieces(text) == [text[:at], text[at:]]


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
