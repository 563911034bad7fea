"""A catalog answers for its units, and its hash names what it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family, IssueCategory, Rule
from data.catalog.faults import CatalogError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("1", "甲市", JurisdictionLevel.CITY, None, ("甲",)),
        Jurisdiction("11", "东区", JurisdictionLevel.DISTRICT, "1"),
        Jurisdiction("12", "西区", JurisdictionLevel.DISTRICT, "1"),
    ]
)
FAMILIES = (Family("城管局", "市容"), Family("环保局", "污染"))
EAST = Department(
    "e", "东区城管局（本部）", DepartmentKind.DISTRICT_BUREAU, "城管局", "11", aliases=("东区城市管理局",)
)
WEST = Department("w", "西区环保局", DepartmentKind.DISTRICT_BUREAU, "环保局", "12")
RETIRED = replace(WEST, code="w-old", name="西区环境局", effective_to=date(2018, 3, 1))
HEIR = replace(WEST, predecessors=("w-old",), effective_from=date(2018, 3, 1))


def catalog(*departments: Department, **others: object) -> Catalog:
    entries = {
        "city": "甲市",
        "gazetteer": GAZETTEER,
        "families": FAMILIES,
        "departments": departments,
    } | others
    return Catalog.from_entries(**entries)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "东区城管局（本部）",
        "东区城管局(本部)",
        " 东区 城管局〔本部〕",
        "东区城管局（本部）",
        "东区城市管理局",
        "e",
        " e ",
    ],
)
def test_a_unit_is_found_by_name_alias_and_code_however_it_is_typed(name: str) -> None:
    assert catalog(EAST, WEST).find_unit(name) == EAST


def test_a_full_width_name_is_found() -> None:
    unit = replace(EAST, name="12345热线")
    assert catalog(unit).find_unit("１２３４５热线") == unit


def test_an_unknown_name_finds_nothing() -> None:
    assert catalog(EAST, WEST).find_unit("南区城管局") is None


@pytest.mark.parametrize("name", ["西区环境局", "w-old"])
def test_a_retired_unit_yields_its_successor(name: str) -> None:
    assert catalog(RETIRED, HEIR).find_unit(name) == HEIR


def test_the_line_of_successors_is_followed_to_its_end() -> None:
    middle = replace(HEIR, code="m", name="西区生态局", effective_to=date(2019, 1, 1))
    last = replace(WEST, code="l", name="西区生态环境局", predecessors=("m",))
    found = catalog(RETIRED, middle, last)
    assert found.find_unit("西区环境局") == last
    assert found.successor_of("w-old") == last


def test_a_retired_unit_without_a_successor_stays_itself() -> None:
    found = catalog(RETIRED)
    assert found.find_unit("西区环境局") == RETIRED
    assert found.successor_of("w-old") is None


def test_a_divided_unit_has_no_successor() -> None:
    other = replace(HEIR, code="x", name="西区水务局")
    assert catalog(RETIRED, HEIR, other).successor_of("w-old") is None


def test_a_unit_that_is_not_retired_stays_itself_whoever_lists_it() -> None:
    assert catalog(replace(RETIRED, effective_to=None), HEIR).find_unit("西区环境局").code == "w-old"  # type: ignore[union-attr]


def test_a_successor_may_bear_the_old_name() -> None:
    assert catalog(RETIRED, replace(HEIR, aliases=("西区环境局",))).find_unit("西区环境局").code == "w"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("on", "codes"), [(date(2018, 2, 28), ["w-old"]), (date(2018, 3, 1), ["w"]), (date(2020, 1, 1), ["w"])]
)
def test_units_are_active_from_their_first_day_until_before_their_last(on: date, codes: list[str]) -> None:
    assert [unit.code for unit in catalog(RETIRED, HEIR).active(on)] == codes


def test_a_family_knows_its_units() -> None:
    found = catalog(EAST, RETIRED, HEIR)
    assert [unit.code for unit in found.units_of("环保局")] == ["w-old", "w"]
    assert found.units_of("教育局") == ()


def test_a_catalog_without_issue_categories_and_rules_is_sound() -> None:
    found = catalog(EAST)
    assert (dict(found.issue_categories), found.rules) == ({}, ())


def test_a_catalog_cannot_be_changed() -> None:
    found = catalog(EAST)
    with pytest.raises(AttributeError):
        found.city = "乙市"  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.departments["w"] = WEST  # type: ignore[index]


def test_the_hash_does_not_depend_on_order_or_labels() -> None:
    one = catalog(replace(EAST, aliases=("甲局", "乙局")), WEST, version="1")
    other = catalog(WEST, replace(EAST, aliases=("乙局", "甲局")), families=FAMILIES[::-1], version="2")
    assert one.content_hash == other.content_hash


CATEGORY = IssueCategory("01", "噪声", keywords=("吵",))


@pytest.mark.parametrize(
    "others",
    [
        {"departments": (replace(EAST, duty="夜市"), WEST)},
        {"departments": (replace(EAST, effective_to=date(2020, 1, 1)), WEST)},
        {"departments": (replace(EAST, kind=DepartmentKind.CITY_DEPARTMENT), WEST)},
        {"families": (replace(FAMILIES[0], duty="市容环境"), FAMILIES[1])},
        {"issue_categories": [CATEGORY]},
        {"issue_categories": [replace(CATEGORY, keywords=())]},
        {"issue_categories": [CATEGORY], "rules": [Rule("01", JurisdictionLevel.DISTRICT, "环保局")]},
        {"gazetteer": Gazetteer.from_records([replace(area, aliases=("别称",)) for area in GAZETTEER])},
    ],
)
def test_the_hash_names_the_content(others: dict[str, object]) -> None:
    hashes = {catalog(EAST, WEST).content_hash, catalog(EAST, WEST, **others).content_hash}
    assert len(hashes) == 2


def test_entries_that_contradict_each_other_make_no_catalog() -> None:
    with pytest.raises(CatalogError) as caught:
        catalog(EAST, replace(WEST, family="教育局", jurisdiction="99"))
    assert [fault.where for fault in caught.value.faults] == ["department w", "department w"]
    assert "there is no family '教育局'" in str(caught.value)
