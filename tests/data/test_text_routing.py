from __future__ import annotations

import pytest

from data.text import normalise, strip_routing_clause

BODY = "来电人说:河边小亭的长椅坏了一条，"


@pytest.mark.parametrize(
    "clause",
    [
        "请甲局核实处理！",
        "请甲局核实处理，谢谢！",
        "请乙局核实处理。（请乙局四十分钟内回电）",
        "请丙队核实处理!(请丙队尽早核实，并回电！)  ",
        "请丙队核实处理！谢谢！\n（请丙队尽早回电）",
        "请丁局核实处理（40分钟办件）",
        "请教育局核实处理！",
        "请戊局在三十分钟内回电，响应结果。",
        "（工单编号12345）",
        "谢谢！",
    ],
)
def test_cuts_the_operators_clause(clause: str) -> None:
    assert strip_routing_clause(BODY + clause) == BODY


def test_cuts_it_after_a_question_too() -> None:
    question = "来电人问:长椅归谁修？"
    assert strip_routing_clause(question + "请甲局核实处理！") == question


def test_cuts_it_from_normalised_text() -> None:
    text = normalise(BODY + "请甲局核实处理！（请甲局尽早回电）").text
    assert strip_routing_clause(text) == normalise(BODY).text


@pytest.mark.parametrize(
    "text",
    [
        "来电人希望有人处理长椅",
        "请问长椅归谁修？",
        "来电人想知道，请问长椅该由哪家处理？",
        "其向管理处请求核实处理未果",
        "想请甲局核实处理",
        "小亭（东侧）长椅坏了（已坏30天）",
        "请甲局核实处理",
        "",
    ],
)
def test_leaves_what_the_citizen_says(text: str) -> None:
    assert strip_routing_clause(text) == text


@pytest.mark.timeout(60)  # a pattern that goes back over the text again and again would take hours
@pytest.mark.parametrize(
    "hostile", ["，请", "（请", "谢谢", "（30分钟", "\n", "，", "，谢谢 ", "，请问", "请核实"]
)
def test_no_text_makes_it_hang(hostile: str) -> None:
    text = hostile * (20_000 // len(hostile))
    assert len(strip_routing_clause(text)) <= len(text)
