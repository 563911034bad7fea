"""What a new version of a catalog changes is told by kind of change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.cli import app
from data.catalog.diff import Change, Difference, FieldChange, diff_catalogs
from data.catalog.entries import Department, DepartmentKind, DispatchMode, Family, IssueCategory, Rule
from data.catalog.folder import save_catalog
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

CITY = Jurisdiction("1", "甲市", JurisdictionLevel.CITY)
EAST = Jurisdiction("11", "东区", JurisdictionLevel.DISTRICT, "1")
END = date(2019, 1, 1)


def unit(code: str, name: str, *predecessors: str, to: date | None = None) -> Department:
    kind = DepartmentKind.CITY_DEPARTMENT
    return Department(code, name, kind, "城管局", "1", predecessors=predecessors, effective_to=to)


A, B, C = unit("a", "甲局"), unit("b", "乙局"), unit("c", "丙局")


def catalog(*departments: Department, **others: object) -> Catalog:
    entries: dict[str, object] = {
        "city": "甲市",
        "gazetteer": Gazetteer.from_records([CITY, EAST]),
        "families": [Family("城管局", "市容")],
        "departments": departments,
    }
    return Catalog.from_entries(**(entries | others))  # type: ignore[arg-type]


def units(old: Catalog, new: Catalog) -> list[tuple[Change, str]]:
    return [(row.change, row.key) for row in diff_catalogs(old, new).departments]


def test_the_same_catalog_has_no_differences() -> None:
    found = diff_catalogs(catalog(A, B), catalog(B, A))
    assert not any(found.tables().values())
    assert found.old == found.new


def test_added_and_removed_units() -> None:
    assert units(catalog(A, B), catalog(A, C)) == [(Change.ADDED, "c"), (Change.REMOVED, "b")]


def test_a_unit_that_ends_is_retired() -> None:
    found = diff_catalogs(catalog(A), catalog(replace(A, effective_to=END)))
    ended = FieldChange("effective_to", "", "2019-01-01")
    assert found.departments == (Difference(Change.RETIRED, "a", "甲局", (ended,)),)


def test_another_name_for_the_same_code_is_a_rename() -> None:
    found = diff_catalogs(catalog(A), catalog(replace(A, name="新局", duty="夜市")))
    assert found.departments == (
        Difference(Change.RENAMED, "a", "新局", (), ("a 甲局",), ("a 新局",)),
        Difference(Change.CHANGED, "a", "新局", (FieldChange("duty", "", "夜市"),)),
    )


def test_one_predecessor_is_a_rename_and_explains_the_retirement() -> None:
    found = diff_catalogs(catalog(A), catalog(replace(A, effective_to=END), unit("n", "新局", "a")))
    assert found.departments == (Difference(Change.RENAMED, "n", "新局", (), ("a 甲局",), ("n 新局",)),)


def test_several_predecessors_are_a_merger() -> None:
    new = catalog(replace(A, effective_to=END), replace(B, effective_to=END), unit("n", "新局", "a", "b"))
    assert diff_catalogs(catalog(A, B), new).departments == (
        Difference(Change.MERGED, "n", "新局", (), ("a 甲局", "b 乙局"), ("n 新局",)),
    )


def test_a_unit_that_takes_another_in_is_a_merger() -> None:
    new = catalog(replace(A, effective_to=END), replace(B, predecessors=("a",)))
    assert units(catalog(A, B), new)[0] == (Change.MERGED, "b")


def test_one_unit_that_becomes_two_is_divided() -> None:
    new = catalog(replace(A, effective_to=END), unit("n", "新局", "a"), unit("m", "别局", "a"))
    found = diff_catalogs(catalog(A), new).departments
    assert [(row.change, row.key, row.after) for row in found] == [
        (Change.DIVIDED, "a", ("n 新局", "m 别局"))
    ]


def test_a_predecessor_that_was_listed_before_is_no_news() -> None:
    old = catalog(replace(A, effective_to=END), unit("n", "新局", "a"))
    new = catalog(replace(A, effective_to=END), replace(unit("n", "新局", "a"), duty="夜市"))
    assert units(old, new) == [(Change.CHANGED, "n")]


def test_changed_fields_are_told_with_both_values() -> None:
    new = replace(A, kind=DepartmentKind.PLATFORM_COMPANY, aliases=("x", "y"))
    (row,) = diff_catalogs(catalog(A), catalog(new)).departments
    assert row.fields == (
        FieldChange("kind", "city_department", "platform_company"),
        FieldChange("aliases", "", "x|y"),
    )


def test_families() -> None:
    old = catalog(A, families=[Family("城管局", "市容"), Family("物价局", "价格"), Family("人社局", "工资")])
    new = catalog(
        A,
        families=[
            Family("城管局", "市容环境"),
            Family("发改委", "价格", ("物价局",)),
            Family("教育局", "学校"),
        ],
    )
    assert [(row.change, row.key) for row in diff_catalogs(old, new).families] == [
        (Change.ADDED, "教育局"),
        (Change.REMOVED, "人社局"),
        (Change.RENAMED, "发改委"),
        (Change.CHANGED, "城管局"),
    ]


def test_a_family_that_another_takes_in_is_merged() -> None:
    old = catalog(A, families=[Family("城管局", "市容"), Family("执法局", "市容")])
    new = catalog(A, families=[Family("城管局", "市容", ("执法局",))])
    assert diff_catalogs(old, new).families[0] == Difference(
        Change.MERGED, "城管局", "城管局", (), ("执法局",), ("城管局",)
    )


def test_categories_rules_and_places() -> None:
    category = IssueCategory("01", "噪声")
    rule = Rule("01", JurisdictionLevel.CITY, "城管局")
    old = catalog(A, issue_categories=[category], rules=[rule])
    new = catalog(
        A,
        issue_categories=[replace(category, keywords=("吵",)), IssueCategory("02", "占道")],
        rules=[
            replace(rule, mode=DispatchMode.DUAL, time_limit_hours=24),
            replace(rule, level=EAST.level),
        ],
        gazetteer=Gazetteer.from_records([CITY]),
    )
    found = diff_catalogs(old, new)
    assert [(row.change, row.key) for row in found.issue_categories] == [
        (Change.ADDED, "02"),
        (Change.CHANGED, "01"),
    ]
    assert [(row.change, row.key) for row in found.rules] == [
        (Change.ADDED, "01 district"),
        (Change.CHANGED, "01 city"),
    ]
    assert FieldChange("time_limit_hours", "", "24") in found.rules[1].fields
    assert [(row.change, row.name) for row in found.jurisdictions] == [(Change.REMOVED, "东区")]


def saved(tmp_path: Path) -> list[str]:
    save_catalog(catalog(A, B), tmp_path / "old")
    save_catalog(catalog(replace(A, effective_to=END), unit("n", "新局", "a")), tmp_path / "new")
    return ["diff", str(tmp_path / "old"), str(tmp_path / "new")]


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, saved(tmp_path))
    assert result.exit_code == 0
    assert "departments" in result.stdout
    assert "a 甲局 -> n 新局" in result.stdout


def test_the_command_says_that_nothing_changed(tmp_path: Path) -> None:
    _, old, _ = saved(tmp_path)
    assert CliRunner().invoke(app, ["diff", old, old]).stdout == "the two catalogs hold the same\n"


def test_the_command_writes_json(tmp_path: Path) -> None:
    found = json.loads(CliRunner().invoke(app, [*saved(tmp_path), "--json"]).stdout)
    assert [(row["change"], row["key"]) for row in found["departments"]] == [
        ("removed", "b"),
        ("renamed", "n"),
    ]
    assert found["families"] == []
