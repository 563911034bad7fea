from __future__ import annotations

import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family, Scenario
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from model.decision import PlacedJurisdiction, PlaceStatus
from model.scenarios import ScenarioBook

CITY = Jurisdiction("1", "山海市", JurisdictionLevel.CITY)
EAST = Jurisdiction("2", "东湖区", JurisdictionLevel.DISTRICT, "1")
WEST = Jurisdiction("3", "西河区", JurisdictionLevel.DISTRICT, "1")
STREET = Jurisdiction("4", "柳林街道", JurisdictionLevel.SUBDISTRICT, "2")
NOWHERE = PlacedJurisdiction(PlaceStatus.MISSING, None, (), 0.0)


def _at(area: Jurisdiction) -> PlacedJurisdiction:
    return PlacedJurisdiction(PlaceStatus.RESOLVED, area, (CITY, area), 1.0)


def _book(*scenarios: Scenario) -> ScenarioBook:
    return ScenarioBook(
        Catalog.from_entries(
            city="山海市",
            gazetteer=Gazetteer.from_records([CITY, EAST, WEST, STREET]),
            departments=[Department("s", "街镇", DepartmentKind.SUBDISTRICT_OFFICE, "街镇", "2")],
            families=[Family("街镇", "综合")],
            scenarios=scenarios,
        )
    )


def _name(book: ScenarioBook, text: str, placed: PlacedJurisdiction = NOWHERE) -> str | None:
    found = book.match(text, placed)
    return found.scenario.name if found else None


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("门口共享单车乱停", True),
        ("门口单车乱停", True),
        ("门口共享单车很多", False),
        ("门口乱停", False),
        ("门口共享单车乱停，是电动的", False),
    ],
)
def test_all_three_conditions_count(text: str, matches: bool) -> None:
    book = _book(Scenario("单车", ("共享单车", "单车"), ("乱停", "乱放"), ("电动",)))
    assert (_name(book, text) is not None) is matches


@pytest.mark.parametrize(("area", "matches"), [(EAST, True), (STREET, True), (WEST, False), (CITY, False)])
def test_a_place_counts_with_what_lies_in_it(area: Jurisdiction, matches: bool) -> None:
    book = _book(Scenario("单车", ("单车",), jurisdiction="2"))
    assert (_name(book, "单车乱停", _at(area)) is not None) is matches


def test_where_the_place_is_unknown_a_scenario_of_a_place_does_not_hold() -> None:
    assert _name(_book(Scenario("单车", ("单车",), jurisdiction="2")), "单车乱停") is None


def test_the_first_scenario_counts() -> None:
    book = _book(Scenario("一", ("单车",), ("乱停",)), Scenario("二", ("单车",)))
    assert _name(book, "单车乱停") == "一"
    assert _name(book, "单车坏了") == "二"


def test_the_match_says_where_the_text_says_so() -> None:
    found = _book(Scenario("单车", ("单车",))).match("门口单车乱停", NOWHERE)
    assert found is not None
    assert (found.start, found.end) == (2, 4)


def test_phrases_are_read_as_texts_are() -> None:
    assert _name(_book(Scenario("x", ("ＡＢＣ",))), "ABC公司") == "x"
