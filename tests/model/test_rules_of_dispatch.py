"""Categories, rules, flags and reasons on a small invented catalog."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, DispatchMode, Family, IssueCategory, Rule
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.categories import IssueCategoryMatcher
from model.decision import Flag, ReasonKind
from model.explain import Explainer
from model.flags import FlagFinder
from model.inputs import model_input
from model.jurisdiction import PlaceResolver
from model.lexical import LexicalExpert
from model.rules import RuleBook
from model.segment import Segmenter

CITY, DISTRICT, STREET = JurisdictionLevel.CITY, JurisdictionLevel.DISTRICT, JurisdictionLevel.SUBDISTRICT
TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def catalog():
    gazetteer = Gazetteer.from_records(
        [
            Jurisdiction("1", "清江市", CITY, None, ("清江",)),
            Jurisdiction("11", "东湖区", DISTRICT, "1", ("东湖",)),
            Jurisdiction("12", "西山区", DISTRICT, "1", ("西山",)),
            Jurisdiction("111", "柳林街道", STREET, "11", ("柳林",)),
        ]
    )
    bureau, office = DepartmentKind.DISTRICT_BUREAU, DepartmentKind.SUBDISTRICT_OFFICE
    return Catalog.from_entries(
        city="清江市",
        gazetteer=gazetteer,
        departments=[
            Department("e", "东湖区城管局", bureau, "城管局", "11"),
            Department("w", "西山区城管局", bureau, "城管局", "12", effective_to=date(2025, 1, 1)),
            Department("s", "柳林街道办", office, "街镇", "111"),
            Department("c", "清江市水务集团", DepartmentKind.PUBLIC_SERVICE_COMPANY, "供水企业", "1"),
        ],
        families=[
            Family("城管局", "管理占道经营、流动摊贩、户外广告"),
            Family("街镇", "街道综合事务"),
            Family("供水企业", "负责停水、水压、水费"),
        ],
        issue_categories=[
            IssueCategory("01", "市容"),
            IssueCategory("0101", "占道经营", "01", ("流动摊贩", "出店经营")),
            IssueCategory("0102", "停水", None, ("水压", "没水")),
        ],
        rules=[
            Rule("0101", STREET, "街镇", ("城管局",), DispatchMode.DUAL, 24),
            Rule("01", CITY, "城管局"),
            Rule("0102", CITY, "供水企业", (), DispatchMode.DIRECT, 4),
        ],
    )


def test_a_category_is_found_by_its_keywords(catalog):
    match = IssueCategoryMatcher(catalog).match("门口流动摊贩占道经营")
    assert match is not None
    assert (match.code, match.name) == ("0101", "占道经营")


def test_no_category_where_no_word_fits(catalog):
    assert IssueCategoryMatcher(catalog).match("咨询公积金提取") is None


def test_the_likely_units_family_decides_between_categories(catalog):
    text = "没水，门口有流动摊贩"
    matcher = IssueCategoryMatcher(catalog)
    by_water, by_street = matcher.match(text, "供水企业"), matcher.match(text, "街镇")
    assert by_water is not None
    assert by_street is not None
    assert (by_water.code, by_street.code) == ("0102", "0101")


def test_the_rule_of_the_deepest_level_holds(catalog):
    rule = RuleBook(catalog).rule("0101", STREET)
    assert rule is not None
    assert rule.lead == "街镇"


def test_a_wider_category_serves_where_there_is_no_rule(catalog):
    rule = RuleBook(catalog).rule("0101", DISTRICT)
    assert rule is not None
    assert (rule.category, rule.lead) == ("01", "城管局")


def test_a_family_resolves_to_the_nearest_area_above(catalog):
    unit = RuleBook(catalog).unit_in_place("城管局", "111", TODAY)
    assert unit is not None
    assert unit.code == "e"


def test_a_retired_unit_takes_nothing(catalog):
    assert RuleBook(catalog).unit_in_place("城管局", "12", TODAY) is None


def test_assisting_units_leave_out_the_lead(catalog):
    book = RuleBook(catalog)
    rule = book.rule("0101", STREET)
    assert rule is not None
    units = book.assisting(rule.assisting, "111", catalog.departments["s"], TODAY)
    assert [unit.code for unit in units] == ["e"]
    assert not list(book.assisting(rule.assisting, "111", catalog.departments["e"], TODAY))


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("楼道里电动车起火，有人被困", {Flag.DANGER}),
        ("电动车入户充电，担心着火", set()),
        ("火锅店油烟大", set()),
        ("小区停水两天", {Flag.URGENT}),
        ("此事法院已判决，要求重新处理", {Flag.OUT_OF_SCOPE}),
        ("1、路灯不亮要求维修。2、井盖响动要求处理。", {Flag.MULTIPLE_DEMANDS}),
        ("在三亚市旅游时被宰客", {Flag.OUT_OF_SCOPE}),
        ("住在上海路附近，路灯不亮", set()),
    ],
)
def test_flags(catalog, text, flags):
    placed = PlaceResolver(catalog.gazetteer).resolve(Ticket("1", text))
    assert set(FlagFinder.from_config(catalog.gazetteer).find(text, placed)) == flags


@pytest.fixture(scope="module")
def explain(catalog):
    texts = ["流动摊贩占道经营扰民", "水压低经常停水", "流动摊贩卖烧烤", "停水没有通知"] * 3
    labels = np.array([0, 1, 0, 1] * 3)
    lexical = LexicalExpert.fit(texts, labels, 2, Segmenter(), min_documents=1)
    explainer = Explainer(catalog, lexical)

    def reasons(item, *arguments):
        return explainer.reasons(item, lexical.read(item.text), *arguments)

    return reasons


def test_reasons_name_words_duty_place_and_rule(catalog, explain):
    ticket = Ticket("1", "东湖区柳林街道流动摊贩占道经营，联系电话13800001111")
    item = model_input(ticket)
    placed = PlaceResolver(catalog.gazetteer).resolve(ticket)
    rule = RuleBook(catalog).rule("0101", STREET)
    reasons = {r.kind: r for r in explain(item, catalog.departments["s"], 0, placed, rule)}
    assert reasons[ReasonKind.PLACE].text == "东湖区柳林街道"
    assert "街镇" in reasons[ReasonKind.RULE].text
    words = reasons[ReasonKind.WORDS]
    assert words.spans
    assert all(ticket.text[span.start : span.end] == span.text for span in words.spans)
    assert not any(character.isdigit() for character in words.text)
    bureau = explain(item, catalog.departments["e"], 0, placed, None)
    assert any(r.kind is ReasonKind.DUTY and "摊贩" in r.text for r in bureau)


def test_an_area_elsewhere_is_no_reason(catalog, explain):
    ticket = Ticket("1", "东湖区柳林街道流动摊贩")
    placed = PlaceResolver(catalog.gazetteer).resolve(ticket)
    reasons = explain(model_input(ticket), catalog.departments["w"], 0, placed, None)
    assert not any(reason.kind is ReasonKind.PLACE for reason in reasons)
