"""The sample city's catalog is complete, whole and quick to load."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import DepartmentKind, DispatchMode, IssueCategory
from data.catalog.folder import load_catalog
from data.gazetteer.jurisdiction import JurisdictionLevel
from data.samples import sample_catalog_path

STREET_FAMILY = "街镇"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(sample_catalog_path())


@pytest.fixture(scope="module")
def leaves(catalog: Catalog) -> list[IssueCategory]:
    parents = {category.parent for category in catalog.issue_categories.values()}
    return [category for code, category in catalog.issue_categories.items() if code not in parents]


def of_level(catalog: Catalog, level: JurisdictionLevel) -> list[str]:
    return [area.code for area in catalog.gazetteer if area.level is level]


def test_it_loads_within_three_seconds() -> None:
    start = time.process_time()
    load_catalog(sample_catalog_path())
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [
        (DepartmentKind.CITY_DEPARTMENT, 45),
        (DepartmentKind.DISTRICT_BUREAU, 16 * 14),
        (DepartmentKind.PUBLIC_SERVICE_COMPANY, 15),
        (DepartmentKind.PLATFORM_COMPANY, 8),
    ],
)
def test_there_are_enough_units_of_each_kind(catalog: Catalog, kind: DepartmentKind, at_least: int) -> None:
    assert sum(unit.kind is kind for unit in catalog.departments.values()) >= at_least


def test_all_sixteen_districts_have_their_main_bureaus(catalog: Catalog) -> None:
    districts = of_level(catalog, JurisdictionLevel.DISTRICT)
    bureaus = Counter(
        unit.jurisdiction
        for unit in catalog.departments.values()
        if unit.kind is DepartmentKind.DISTRICT_BUREAU
    )
    assert len(districts) == 16
    assert set(bureaus) == set(districts)
    assert min(bureaus.values()) >= 14


def test_every_street_and_town_has_its_office(catalog: Catalog) -> None:
    offices = Counter(
        unit.jurisdiction for unit in catalog.departments.values() if unit.family == STREET_FAMILY
    )
    assert set(offices) == set(of_level(catalog, JurisdictionLevel.SUBDISTRICT))
    assert set(offices.values()) == {1}


def test_an_office_is_named_after_its_street(catalog: Catalog) -> None:
    unit = catalog.departments["bj-chaoyang-wangjing"]
    area = catalog.gazetteer[unit.jurisdiction]
    assert (unit.name, area.name) == ("朝阳区望京街道办事处", "望京街道")


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ("市城市管理委", "bj-shi-chengguan"),
        ("朝阳区城管委", "bj-chaoyang-chengguan"),
        ("昌平区回龙观街道", "bj-changping-huilongguan"),
        ("北七家镇政府", "bj-changping-beiqijia"),
        ("海淀公安分局", "bj-haidian-gongan"),
        ("北京热力集团", "co-reli"),
        ("滴滴出行", "co-didi"),
    ],
)
def test_units_are_found_by_the_names_operators_use(catalog: Catalog, alias: str, code: str) -> None:
    unit = catalog.find_unit(alias)
    assert unit is not None
    assert unit.code == code


def test_a_street_name_that_two_districts_share_names_no_unit(catalog: Catalog) -> None:
    assert catalog.find_unit("八里庄街道") is None
    assert catalog.find_unit("海淀区八里庄街道") is not None


def test_every_family_has_a_specific_duty(catalog: Catalog) -> None:
    lengths = {name: len(family.duty) for name, family in catalog.families.items()}
    assert {name: n for name, n in lengths.items() if not 40 <= n <= 120} == {}
    assert len({family.duty for family in catalog.families.values()}) == len(lengths)


def test_every_family_has_a_unit(catalog: Catalog) -> None:
    assert [name for name in catalog.families if not catalog.units_of(name)] == []


def test_there_are_enough_leaf_categories_at_the_third_level(leaves: list[IssueCategory]) -> None:
    assert len(leaves) >= 150
    assert {len(leaf.code) for leaf in leaves} == {6}


def test_every_leaf_category_has_a_duty_and_keywords(leaves: list[IssueCategory]) -> None:
    poor = [leaf.name for leaf in leaves if len(leaf.duty) < 20 or not 3 <= len(leaf.keywords) <= 8]
    assert poor == []


def test_no_keyword_belongs_to_two_categories(leaves: list[IssueCategory]) -> None:
    uses = Counter(keyword for leaf in leaves for keyword in leaf.keywords)
    assert [keyword for keyword, n in uses.items() if n > 1] == []


def test_every_leaf_category_has_a_rule_for_a_ticket_without_a_place(
    catalog: Catalog, leaves: list[IssueCategory]
) -> None:
    city_wide = {rule.category for rule in catalog.rules if rule.level is JurisdictionLevel.CITY}
    assert [leaf.name for leaf in leaves if leaf.code not in city_wide] == []


def test_every_rule_resolves_to_units_wherever_it_applies(catalog: Catalog) -> None:
    places = {(unit.family, unit.jurisdiction) for unit in catalog.departments.values()}
    unresolved = {
        (rule.category, family, area)
        for rule in catalog.rules
        for area in of_level(catalog, rule.level)
        for family in (rule.lead, *rule.assisting)
        if not any((family, above.code) in places for above in catalog.gazetteer.path(area))
    }
    assert unresolved == set()


def test_rules_are_dual_exactly_when_somebody_assists(catalog: Catalog) -> None:
    wrong = [r for r in catalog.rules if (r.mode is DispatchMode.DUAL) != bool(r.assisting)]
    assert wrong == []


def test_rules_give_a_time_limit(catalog: Catalog) -> None:
    assert {rule.time_limit_hours for rule in catalog.rules} == {24, 72, 168}


def test_the_readme_says_how_much_there_is_and_what_it_is_not(
    catalog: Catalog, leaves: list[IssueCategory]
) -> None:
    readme = (sample_catalog_path().parents[1] / "README.md").read_text(encoding="utf-8")
    for count in (
        f"{len(catalog.families)} families",
        f"{len(catalog.departments)} units",
        f"{len(leaves)} leaves",
        f"{len(catalog.rules)} rules",
    ):
        assert count in readme
    for warning in ("not official", "synthetic", "proves nothing about accuracy"):
        assert warning in readme


def test_the_catalog_folder_is_small_enough_for_the_repository() -> None:
    files = [path for path in Path(sample_catalog_path()).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_200_000
