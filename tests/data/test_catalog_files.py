"""A catalog keeps all it holds as a folder and as a workbook, and an official can edit the workbook."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, DispatchMode, Family, IssueCategory, Rule
from data.catalog.faults import CatalogError
from data.catalog.folder import load_catalog, save_catalog
from data.catalog.workbook_writing import save_workbook
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("0101", "甲市", JurisdictionLevel.CITY, None, ("甲",)),
        Jurisdiction("0102", "东区", JurisdictionLevel.DISTRICT, "0101"),
    ],
    source="手工",
    version="2018",
)


def make(family: Family, unit: Department, category: IssueCategory, rule: Rule, **labels: str) -> Catalog:
    return Catalog.from_entries(
        city="甲市",
        gazetteer=GAZETTEER,
        families=[family, Family("街镇", "综合")],
        departments=[
            unit,
            Department("old", "旧局", unit.kind, "街镇", "0101", effective_to=date(2018, 1, 1)),
        ],
        issue_categories=[IssueCategory("01", "城管"), category],
        rules=[rule],
        **labels,
    )


FAMILY = Family("城管局", "市容、噪声：夜间施工\n和占道", ("城市管理局",))
UNIT = Department(
    "007",
    "东区城管局",
    DepartmentKind.DISTRICT_BUREAU,
    "城管局",
    "0102",
    ("东城管", "=HYPERLINK(1)"),
    "=1+1",
    ("old",),
    date(2018, 1, 1),
    date(2020, 2, 29),
)
CATEGORY = IssueCategory("0101", "no", "01", ("吵", "闹"), "@夜间")
RULE = Rule("0101", JurisdictionLevel.DISTRICT, "城管局", ("街镇",), DispatchMode.DUAL, 72)
CATALOG = make(FAMILY, UNIT, CATEGORY, RULE, version="1.0", description="说明 1")


def assert_same(found: Catalog, expected: Catalog) -> None:
    assert found == expected or (
        found.content_hash == expected.content_hash
        and (found.version, found.description) == (expected.version, expected.description)
        and (found.gazetteer.source, found.gazetteer.version)
        == (expected.gazetteer.source, expected.gazetteer.version)
        and dict(found.departments) == dict(expected.departments)
        and dict(found.families) == dict(expected.families)
        and dict(found.issue_categories) == dict(expected.issue_categories)
        and found.rules == expected.rules
    )


def test_a_folder_gives_back_what_was_saved(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    assert_same(load_catalog(tmp_path), CATALOG)


def test_a_workbook_gives_back_what_was_saved(tmp_path: Path) -> None:
    save_workbook(CATALOG, tmp_path / "c.xlsx")
    assert_same(load_catalog(tmp_path / "c.xlsx"), CATALOG)


def test_folder_to_workbook_to_folder_writes_the_same_bytes(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path / "a")
    save_workbook(load_catalog(tmp_path / "a"), tmp_path / "c.xlsx")
    save_catalog(load_catalog(tmp_path / "c.xlsx"), tmp_path / "b")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 8
    assert [(tmp_path / "b" / file).read_bytes() for file in files] == [
        (tmp_path / "a" / file).read_bytes() for file in files
    ]


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="|")
    | st.sampled_from("=+-@'\"#:{}[]&*!%_x0041 \n局区市"),
    min_size=1,
    max_size=12,
).filter(lambda text: text == text.strip() != "" and "|" not in text)
short = texts.filter(lambda text: not any(char in "\n" for char in text))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(duty=texts, alias=short, name=short, keywords=st.lists(short, max_size=3, unique=True), label=texts)
def test_no_text_is_lost_on_the_way_through_both(
    tmp_path_factory: pytest.TempPathFactory,
    duty: str,
    alias: str,
    name: str,
    keywords: list[str],
    label: str,
) -> None:
    unit = Department(
        "u", "东区城管局", DepartmentKind.PLATFORM_COMPANY, "城管局", "0102", (f"{alias}号",), duty
    )
    catalog = make(FAMILY, unit, IssueCategory("x", name, None, tuple(keywords)), RULE_X, description=label)
    folder = tmp_path_factory.mktemp("catalog")
    save_catalog(catalog, folder / "a")
    save_workbook(load_catalog(folder / "a"), folder / "c.xlsx")
    assert_same(load_catalog(folder / "c.xlsx"), catalog)


RULE_X = Rule("x", JurisdictionLevel.CITY, "街镇")


def test_a_cell_that_looks_like_a_formula_is_text(tmp_path: Path) -> None:
    save_workbook(CATALOG, tmp_path / "c.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx")["承办单位"]
    formulas = [cell.coordinate for row in sheet for cell in row if cell.data_type == "f"]
    assert (formulas, sheet["G2"].value) == ([], "=1+1")


def test_the_workbook_is_made_for_editing(tmp_path: Path) -> None:
    save_workbook(CATALOG, tmp_path / "c.xlsx")
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    assert book.sheetnames == ["目录", "家族", "承办单位", "事项", "规则", "场景", "管辖"]
    sheet = book["承办单位"]
    assert [cell.value for cell in sheet[1]][:4] == ["单位代码", "单位名称", "单位类型", "家族"]
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["B"].width > 20
    lists = {str(v.sqref)[0]: v.formula1 for v in sheet.data_validations.dataValidation}
    assert lists == {"C": '"市级部门,区县部门,街道乡镇,公共服务企业,平台企业"'}
    assert sheet["C2"].value == "区县部门"
    assert sheet["J2"].is_date


def test_what_an_official_types_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "c.xlsx"
    save_workbook(CATALOG, path)
    book = openpyxl.load_workbook(path)
    book["承办单位"].append([8.0, "西局", "市级部门", " 街镇 ", "0101", "甲 | 乙|", None, 7, "2018-02-01"])
    book["承办单位"]["A2"] = 7
    book["规则"]["E2"] = None
    book.save(path)
    found = load_catalog(path)
    assert found.departments["8"].aliases == ("甲", "乙")
    assert found.departments["8"].predecessors == ("7",)
    assert found.departments["8"].effective_from == date(2018, 2, 1)
    assert found.departments["8"].family == "街镇"
    assert found.rules[0].mode is DispatchMode.DIRECT


def test_a_folder_is_readable_and_in_order(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    lines = (tmp_path / "departments.yaml").read_text("utf-8").splitlines()
    assert lines[0].startswith("# 承办单位: code（单位代码）")
    assert lines[1:6] == [
        "- code: '007'",
        "  name: 东区城管局",
        "  kind: district_bureau",
        "  family: 城管局",
        "  jurisdiction: '0102'",
    ]
    assert "  aliases: [东城管, =HYPERLINK(1)]" in lines


def test_empty_parts_load(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    (tmp_path / "rules.yaml").write_text("", "utf-8")
    (tmp_path / "issue_categories.yaml").write_text("[]\n", "utf-8")
    found = load_catalog(tmp_path)
    assert (dict(found.issue_categories), found.rules) == ({}, ())


def test_a_failed_save_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_catalog(CATALOG, tmp_path)

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    changed = make(Family("城管局", "别的"), UNIT, CATEGORY, RULE)
    monkeypatch.setattr("data.gazetteer.gazetteer.Gazetteer.save", full)
    with pytest.raises(CatalogError, match="No space left"):
        save_catalog(changed, tmp_path)
    monkeypatch.undo()
    assert_same(load_catalog(tmp_path), CATALOG)
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


def test_a_failed_save_leaves_the_old_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.xlsx"
    save_workbook(CATALOG, path)
    before = path.read_bytes()

    def full(_: object, draft: Path) -> None:
        draft.write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("openpyxl.Workbook.save", full)
    with pytest.raises(CatalogError, match="cannot be written"):
        save_workbook(CATALOG, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_longer_than_a_cell_is_refused_not_cut(tmp_path: Path) -> None:
    long = make(Family("城管局", "长" * 40_000), UNIT, CATEGORY, RULE)
    with pytest.raises(CatalogError, match="家族!B2: duty has 40000 characters"):
        save_workbook(long, tmp_path / "c.xlsx")
    assert not (tmp_path / "c.xlsx").exists()
