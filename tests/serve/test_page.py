from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from data.tickets.ticket import Ticket
from model.decision import Flag, Level, Span
from serve.page import words
from serve.page.examples import NEUTRAL, examples_for
from serve.page.view import AnswerView, mark, percent

pytestmark = pytest.mark.anyio

FRAGMENT = {"x-fragment": "1"}


class Tags(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.marked: list[str] = []
        self._in_mark = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_mark = tag == "mark"

    def handle_data(self, data: str) -> None:
        if self._in_mark:
            self.marked.append(data)
        self._in_mark = False

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


async def test_page_is_chinese_and_names_the_versions(client: httpx.AsyncClient):
    response = await client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="zh-CN">' in response.text
    assert "model-1" in response.text


async def test_page_loads_nothing_from_elsewhere_and_no_inline_script(client: httpx.AsyncClient):
    tags = Tags((await client.get("/")).text)
    sources = [a.get("src") or a.get("href") for tag in ("script", "link", "img") for a in tags.named(tag)]
    assert sources
    for source in sources:
        assert source.startswith(("/static/", "data:image/"))
        if source.startswith("/"):
            assert (await client.get(source)).status_code == 200
    assert all(script.get("src") for script in tags.named("script"))
    assert not any(name.startswith("on") or name == "style" for _, attrs in tags.found for name in attrs)


async def test_vendored_style_sheet_comes_with_its_licence():
    vendor = Path("serve/static/vendor")
    for sheet in vendor.glob("*.min.css"):
        licence = sheet.with_name(sheet.name.replace(".min.css", ".LICENSE.txt"))
        assert "MIT License" in licence.read_text("utf-8")


async def test_every_field_has_a_label(client: httpx.AsyncClient):
    html = (await client.get("/")).text
    assert '<label for="text">' in html
    for field in re.findall(r"<input [^>]*>", html):
        before = html[: html.index(field)]
        assert before.rfind("<label") > before.rfind("</label>")


async def test_answer_is_announced(client: httpx.AsyncClient):
    tags = Tags((await client.get("/")).text)
    assert [a for a in tags.named("p") if a.get("role") == "status" and a.get("aria-live") == "polite"]


async def test_form_without_script_gives_the_whole_page(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "东湖区停水"})
    assert response.status_code == 200
    assert response.text.startswith("<!doctype html>")
    assert "人工选择" in response.text
    assert ">东湖区停水</textarea>" in response.text


async def test_script_gets_the_answer_alone(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "东湖区停水"}, headers=FRAGMENT)
    assert "<html" not in response.text
    for expected in (
        "人工选择",
        "单位0",
        "12.3%",
        "主办",
        "协办",
        "占道经营",
        "40 个工作小时",
        "山海市 › 东湖区",
    ):
        assert expected in response.text


async def test_evidence_is_marked_in_the_text(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "😀东湖区停水"}, headers=FRAGMENT)
    assert "东湖区" in Tags(response.text).marked


async def test_options_of_an_ambiguous_place_are_shown(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "停水"}, headers=FRAGMENT)
    assert "有歧义" in response.text
    assert "可能是：东湖区" in response.text


async def test_flags_are_warnings(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "燃气味"}, headers=FRAGMENT)
    assert "110 / 119 / 120" in response.text


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
async def test_html_in_a_ticket_is_shown_and_never_run(client: httpx.AsyncClient, headers: dict[str, str]):
    evil = '东湖区<script>alert(1)</script><img src=x onerror="alert(2)"></textarea>\'"'
    form = {"text": evil, "title": evil, "address": evil, "district": evil}
    tags = Tags((await client.post("/", data=form, headers=headers)).text)
    assert not tags.named("img")
    assert len(tags.named("script")) == (0 if headers else 1)
    assert not any("onerror" in attributes for _, attributes in tags.found)


async def test_text_without_a_word_is_refused_in_chinese(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "😀"}, headers=FRAGMENT)
    assert response.status_code == 422
    assert "工单内容：没有可读的文字" in response.text


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "工单内容：请填写"),
        ({"text": "水" * 20_001}, "太长"),
        ({"text": "水", "title": "水" * 501}, "标题：太长"),
    ],
)
async def test_other_faults_are_told_in_chinese(
    client: httpx.AsyncClient, form: dict[str, str], message: str
):
    assert message in (await client.post("/", data=form, headers=FRAGMENT)).text


async def test_failure_of_the_model_is_told_in_chinese(client: httpx.AsyncClient):
    response = await client.post("/", data={"text": "poison"}, headers=FRAGMENT)
    assert response.status_code == 500
    assert "服务暂时无法答复" in response.text


@pytest.mark.parametrize("body", [b"text=%ff%fe", b"\xff=\xff", b"&&&==", b"text=" + b"%00" * 10])
async def test_odd_forms_are_refused_without_a_5xx(client: httpx.AsyncClient, body: bytes):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await client.post("/", content=body, headers=headers)).status_code == 422


async def test_example_fills_the_form(client: httpx.AsyncClient):
    assert NEUTRAL[1].text in (await client.get("/?example=1")).text.partition("<textarea")[2]


@pytest.mark.parametrize("example", ["99", "-1", "x", "²", "1" * 5000])
async def test_unknown_example_leaves_the_form_empty(client: httpx.AsyncClient, example: str):
    response = await client.get("/", params={"example": example})
    assert response.status_code == 200
    assert "></textarea>" in response.text


def test_other_cities_get_neutral_examples():
    assert examples_for("山海市") == NEUTRAL
    assert examples_for(None) == NEUTRAL


def test_sample_city_gets_its_own_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "samples" / "beijing"
    (folder / "catalog").mkdir(parents=True)
    (folder / "catalog" / "catalog.yaml").write_text("city: 山海市\n", "utf-8")
    long = '{"text": "%s"}' % ("水" * 500)
    (folder / "tickets.jsonl").write_text(
        f'{{"text": "市民来电反映：停水", "title": "停水"}}\n{long}\n', "utf-8"
    )
    monkeypatch.setattr("serve.page.examples.files", lambda _: tmp_path)
    assert [(e.label, e.text) for e in examples_for("山海市")] == [("停水", "市民来电反映：停水")]


async def test_city_is_in_the_title(connect, scorer):
    scorer.catalog = SimpleNamespace(city="山海市")
    async with connect(scorer) as client:
        assert "<title>派单 · 山海市</title>" in (await client.get("/")).text


def test_every_word_of_the_api_has_a_chinese_one():
    from data.catalog.entries import DepartmentKind, DispatchMode
    from model.decision import PlaceStatus, ReasonKind, Role

    for enum, table in (
        (Level, words.LEVELS),
        (Flag, words.FLAGS),
        (Role, words.ROLES),
        (ReasonKind, words.REASONS),
        (PlaceStatus, words.PLACES),
        (DepartmentKind, words.KINDS),
        (DispatchMode, words.MODES),
    ):
        assert set(enum) == set(table)


def test_overlapping_evidence_is_marked_as_both():
    segments = mark("东湖区停水", [Span(0, 3, "东湖区")], [Span(2, 5, "区停水")])
    assert [(s.text, s.marks) for s in segments] == [
        ("东湖", "place"),
        ("区", "place words"),
        ("停水", "words"),
    ]


def test_spans_outside_of_the_text_do_no_harm():
    assert "".join(s.text for s in mark("停水", [Span(-3, 99, "x")], [])) == "停水"


def test_certainty_is_never_claimed():
    assert percent(1.0) == "99.9%"


def test_degraded_answer_says_so(decision_on):
    view = AnswerView.from_decision(decision_on(Ticket("a", "停水"), degraded=True), "停水")
    assert view.warnings == [("notice", words.DEGRADED)]
