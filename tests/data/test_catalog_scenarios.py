from __future__ import annotations

from pathlib import Path

import pytest

from data.catalog.catalog import Catalog
from data.catalog.diff import Change, diff_catalogs
from data.catalog.entries import Department, DepartmentKind, Family, Scenario
from data.catalog.faults import CatalogError
from data.catalog.folder import load_catalog, save_catalog
from data.catalog.workbook_writing import save_workbook
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.samples import sample_catalog_path

BIKES = Scenario(
    "共享单车", ("共享单车", "单车"), ("乱停",), ("电动",), "2", "街镇", ("城管",), "由街镇联系企业清理"
)


def _catalog(*scenarios: Scenario) -> Catalog:
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("1", "山海市", JurisdictionLevel.CITY),
                Jurisdiction("2", "东湖区", JurisdictionLevel.DISTRICT, "1"),
            ]
        ),
        departments=[
            Department("s", "东湖区街镇", DepartmentKind.SUBDISTRICT_OFFICE, "街镇", "2"),
            Department("c", "东湖区城管", DepartmentKind.DISTRICT_BUREAU, "城管", "2"),
        ],
        families=[Family("街镇", "综合"), Family("城管", "占道")],
        scenarios=scenarios,
    )


def test_scenarios_survive_folder_and_workbook(tmp_path: Path) -> None:
    save_catalog(_catalog(BIKES), tmp_path / "a")
    save_workbook(load_catalog(tmp_path / "a"), tmp_path / "c.xlsx")
    again = load_catalog(tmp_path / "c.xlsx")
    assert again.scenarios == (BIKES,)
    assert again.content_hash == _catalog(BIKES).content_hash


def test_a_folder_without_the_file_has_no_scenarios_and_its_old_hash(tmp_path: Path) -> None:
    save_catalog(_catalog(), tmp_path / "a")
    (tmp_path / "a" / "scenarios.yaml").unlink()
    loaded = load_catalog(tmp_path / "a")
    assert loaded.scenarios == ()
    assert loaded.content_hash == _catalog().content_hash


def test_a_scenario_is_part_of_the_content_hash() -> None:
    assert _catalog(BIKES).content_hash != _catalog().content_hash


@pytest.mark.parametrize(
    ("scenario", "what"),
    [
        (Scenario("x", ("a",), lead="水务"), "there is no family '水务'"),
        (Scenario("x", ("a",), assisting=("街镇",)), "nobody who leads"),
        (Scenario("x", ("a",), jurisdiction="9", lead="街镇"), "no area '9'"),
        (Scenario("x", ("a",), unless=("a",), lead="街镇"), "wants and forbids 'a'"),
    ],
)
def test_a_scenario_that_cannot_be_is_a_fault(scenario: Scenario, what: str) -> None:
    with pytest.raises(CatalogError, match=what):
        _catalog(scenario)


def test_two_scenarios_of_one_name_are_a_fault() -> None:
    with pytest.raises(CatalogError, match="scenario 共享单车"):
        _catalog(BIKES, BIKES)


def test_the_diff_tells_of_scenarios() -> None:
    [difference] = diff_catalogs(_catalog(), _catalog(BIKES)).scenarios
    assert (difference.change, difference.key) == (Change.ADDED, "共享单车")


def test_the_sample_city_has_scenarios() -> None:
    assert len(load_catalog(sample_catalog_path()).scenarios) >= 5
