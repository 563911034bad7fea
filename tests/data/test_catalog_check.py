"""Every fault of a catalog is told, with its place and the way out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from data.catalog.cli import app
from data.catalog.faults import CatalogError, Fault, Severity
from data.catalog.folder import load_catalog, read_catalog
from data.catalog.workbook_writing import save_workbook

FILES = {
    "catalog.yaml": "city: 甲市\nversion: '1'\n",
    "families.yaml": "- name: 城管局\n  duty: 市容\n- name: 街镇\n  duty: 综合\n",
    "departments.yaml": (
        "- code: e\n"
        "  name: 东区城管局\n"
        "  kind: district_bureau\n"
        "  family: 城管局\n"
        "  jurisdiction: '11'\n"
        "- code: w\n"
        "  name: 西街道办\n"
        "  kind: subdistrict_office\n"
        "  family: 街镇\n"
        "  jurisdiction: '111'\n"
    ),
    "issue_categories.yaml": "- code: a\n  name: 城管\n- code: b\n  name: 占道\n  parent: a\n",
    "rules.yaml": "- category: b\n  level: district\n  lead: 城管局\n",
    "gazetteer/gazetteer.yaml": "city: 甲市\nsource: ''\nversion: ''\n",
    "gazetteer/jurisdictions.csv": (
        "code,name,level,parent,aliases\n1,甲市,city,,\n11,东区,district,1,\n111,西街道,subdistrict,11,\n"
    ),
}
UNITS, RULES, CATEGORIES = "departments.yaml", "rules.yaml", "issue_categories.yaml"
MORE = FILES[UNITS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "catalog"
    for name, text in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, "utf-8")
    return path


def faults(path: Path) -> list[tuple[str, str]]:
    found = read_catalog(path).faults
    assert all(fault.fix for fault in found)
    return [(fault.where.removeprefix(f"{path}").lstrip("/ "), fault.what) for fault in found]


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, "utf-8")


def test_a_sound_catalog_has_no_faults(folder: Path) -> None:
    assert faults(folder) == []


@pytest.mark.parametrize(
    ("file", "text", "line", "what"),
    [
        (UNITS, MORE.replace("code: w", "code: e"), 6, "e is there twice"),
        (UNITS, MORE.replace("西街道办", "东区 城管局"), 7, "two units are called 东区 城管局"),
        (UNITS, MORE + "  aliases: [东区城管局]\n", 11, "two units are called 东区城管局"),
        (UNITS, MORE.replace("family: 街镇", "family: 教育局"), 9, "there is no family '教育局'"),
        (UNITS, MORE.replace("'111'", "'999'"), 10, "there is no jurisdiction '999'"),
        (UNITS, MORE.replace("subdistrict_office", "company"), 8, "unknown kind 'company'"),
        (UNITS, MORE + "  predecessors: [x]\n", 11, "there is no department 'x' to be a predecessor"),
        (UNITS, MORE + "  predecessors: [w]\n", 11, "a cycle: w -> w"),
        (
            UNITS,
            MORE.replace("'11'\n", "'11'\n  predecessors: [w]\n") + "  predecessors: [e]\n",
            6,
            "a cycle: e -> w -> e",
        ),
        (
            UNITS,
            MORE + "  effective_from: 2018-05-01\n  effective_to: 2018-04-30\n",
            12,
            "effective_to 2018-04-30 is before effective_from 2018-05-01",
        ),
        (UNITS, MORE + "  effective_from: 5月1日\n", 11, "effective_from '5月1日' is no date"),
        (UNITS, MORE + "  tel: 12345\n", 11, "unknown key 'tel'"),
        (UNITS, MORE + "  aliases: 西街办\n", 11, "aliases is one text"),
        (UNITS, MORE + "  aliases: [a|b]\n", 11, "aliases holds '|'"),
        (UNITS, MORE + "  aliases:\n  - {a: b}\n", 12, "aliases is a list of lists or mappings"),
        (UNITS, MORE + "  duty: [a, b]\n", 11, "duty is a list"),
        (UNITS, MORE + "  duty: {a: b}\n", 11, "duty is a mapping"),
        (UNITS, MORE + '  duty: "a\\0b"\n', 11, "duty holds a control character"),
        (UNITS, MORE + "  name: 又名\n", 11, "the key 'name' is there twice"),
        (UNITS, MORE.replace("  name: 西街道办\n", ""), 6, "name is missing"),
        (UNITS, MORE.replace("西街道办", ""), 7, "name is missing"),
        (UNITS, MORE + "- 南局\n", 11, "an entry is no mapping"),
        (UNITS, "units:\n- a\n", 1, "the file holds no list"),
        (UNITS, MORE + "  duty: 'x\n", 12, "not valid YAML (found unexpected end of stream)"),
        ("catalog.yaml", "city: 乙市\n", 1, "the city is 乙市, but the gazetteer is about 甲市"),
        ("catalog.yaml", "- 甲市\n", 1, "the file holds no mapping"),
        (
            "families.yaml",
            FILES["families.yaml"] + "- name: 城管局\n  duty: x\n",
            5,
            "two families are called 城管局",
        ),
        (
            "families.yaml",
            FILES["families.yaml"] + "  aliases: [城管局]\n",
            5,
            "two families are called 城管局",
        ),
        (
            CATEGORIES,
            FILES[CATEGORIES].replace("parent: a", "parent: z"),
            5,
            "there is no issue category 'z' to be the parent of b",
        ),
        (CATEGORIES, FILES[CATEGORIES].replace("城管\n", "城管\n  parent: b\n"), 3, "a cycle: a -> b -> a"),
        (CATEGORIES, FILES[CATEGORIES] + "- code: a\n  name: 又\n", 6, "a is there twice"),
        (RULES, FILES[RULES].replace("城管局", "教育局"), 3, "there is no family '教育局'"),
        (RULES, FILES[RULES] + "  assisting: [教育局]\n", 4, "there is no family '教育局'"),
        (RULES, FILES[RULES].replace("category: b", "category: z"), 1, "there is no issue category 'z'"),
        (RULES, FILES[RULES].replace("district", "区"), 2, "unknown level '区'"),
        (RULES, FILES[RULES] + "  mode: 双派\n", 4, "unknown mode '双派'"),
        (
            RULES,
            FILES[RULES] + "  time_limit_hours: 三天\n",
            4,
            "time_limit_hours '三天' is no number of hours",
        ),
        (RULES, FILES[RULES] + "  time_limit_hours: 0\n", 4, "time_limit_hours '0' is no number of hours"),
        (RULES, FILES[RULES] * 2, 4, "b at level district is there twice"),
        (
            "gazetteer/jurisdictions.csv",
            FILES["gazetteer/jurisdictions.csv"].replace("subdistrict,11", "subdistrict,12"),
            4,
            "the parent '12' of 西街道 is missing",
        ),
    ],
)
def test_a_fault_is_told_with_file_and_line(folder: Path, file: str, text: str, line: int, what: str) -> None:
    put(folder, file, text)
    assert faults(folder) == [(f"{file} line {line}", what)]
    with pytest.raises(CatalogError):
        load_catalog(folder)


@pytest.mark.parametrize("name", ["catalog.yaml", "families.yaml", UNITS, CATEGORIES, RULES])
def test_a_missing_file_is_one_fault_and_not_one_for_each_that_refers_to_it(folder: Path, name: str) -> None:
    (folder / name).unlink()
    errors = [fault for fault in read_catalog(folder).faults if fault.severity is Severity.ERROR]
    assert [(Path(fault.where).name, fault.what) for fault in errors] == [(name, "the file is missing")]


def test_a_missing_gazetteer_is_told(folder: Path) -> None:
    (folder / "gazetteer" / "jurisdictions.csv").unlink()
    assert [where for where, _ in faults(folder)] == ["gazetteer/jurisdictions.csv"]


def test_a_file_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / RULES).write_bytes("- category: 噪声".encode("gb18030"))
    assert (RULES, "the file is not UTF-8 text") in faults(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "what"),
    [
        ("families.yaml", "  duty: 市容\n", "", "families.yaml line 1", "family 城管局 has no duty text"),
        (
            RULES,
            "城管局",
            "街镇",
            "rules.yaml line 3",
            "no unit of 街镇 stands at level district or above it",
        ),
        (UNITS, MORE, "[]\n", "departments", "the catalog has no units"),
    ],
)
def test_a_warning_does_not_keep_a_catalog_from_being_used(
    folder: Path, file: str, old: str, new: str, where: str, what: str
) -> None:
    put(folder, file, FILES[file].replace(old, new))
    assert (where, what) in faults(folder)
    assert {fault.severity for fault in read_catalog(folder).faults} == {Severity.WARNING}
    assert load_catalog(folder).city == "甲市"


def test_all_faults_are_told_in_one_run(folder: Path) -> None:
    put(folder, UNITS, MORE.replace("family: 街镇", "family: 教育局").replace("'11'", "'99'"))
    put(folder, RULES, FILES[RULES].replace("district", "区") + "  tel: 1\n")
    put(folder, CATEGORIES, FILES[CATEGORIES].replace("parent: a", "parent: z"))
    assert {where for where, _ in faults(folder)} == {
        "departments.yaml line 5",
        "departments.yaml line 9",
        "rules.yaml line 2",
        "rules.yaml line 4",
        "issue_categories.yaml line 5",
    }


def test_the_way_out_is_told(folder: Path) -> None:
    put(
        folder,
        UNITS,
        MORE.replace("'111'", "西街道").replace("kind: district_bureau", "knd: district_bureau"),
    )
    fixes = {fault.what: fault.fix for fault in read_catalog(folder).faults}
    assert fixes["there is no jurisdiction '西街道'"] == "Give its code, 111"
    assert fixes["unknown key 'knd'"] == "Did you mean 'kind'?"


def test_a_path_that_is_no_catalog_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("x")
    assert faults(tmp_path / "nowhere") == [("", "there is no such folder or file")]
    assert faults(tmp_path / "c.txt") == [("", "is neither a folder nor a workbook (.xlsx)")]


def test_a_broken_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.xlsx"
    path.write_bytes(b"PK\x03\x04 cut off")
    assert faults(path) == [("", "cannot be read (not a workbook, or broken)")]


@pytest.fixture
def workbook(folder: Path, tmp_path: Path) -> Path:
    save_workbook(load_catalog(folder), tmp_path / "c.xlsx")
    return tmp_path / "c.xlsx"


def test_a_broken_sheet_is_told(workbook: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(workbook) as sound, zipfile.ZipFile(tmp_path / "broken.xlsx", "w") as broken:
        for name in sound.namelist():
            content = sound.read(name)
            broken.writestr(name, content[: len(content) // 2] if "worksheets/" in name else content)
    assert faults(tmp_path / "broken.xlsx") == [("", "cannot be read (not a workbook, or broken)")]


def test_a_fault_of_ours_is_not_laid_to_the_workbook(workbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("data.catalog.workbook._as_cell", fail)
    with pytest.raises(KeyError, match="ours"):
        read_catalog(workbook)


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "where", "what"),
    [
        ("承办单位", "D3", "教育局", "承办单位!D3", "there is no family '教育局'"),
        ("承办单位", "C3", "公司", "承办单位!C3", "unknown 单位类型 '公司'"),
        ("承办单位", "B3", "=A1", "承办单位!B3", "单位名称 is a formula"),
        ("承办单位", "B3", None, "承办单位!A3", "单位名称 is missing"),
        ("承办单位", "E3", "999", "承办单位!E3", "there is no jurisdiction '999'"),
        ("承办单位", "J3", "明年", "承办单位!J3", "失效日期 '明年' is no date"),
        ("承办单位", "K1", "电话", "承办单位!K1", "unknown column '电话'"),
        ("承办单位", "L3", "12345", "承办单位!L3", "a value without a header"),
        ("承办单位", "D1", "科", "承办单位!D1", "unknown column '科'"),
        ("承办单位", "G1", "单位名称", "承办单位!G1", "the column '单位名称' is there twice"),
        ("规则", "F2", 1.5, "规则!F2", "时限（工作小时） '1.5' is no number of hours"),
        ("管辖", "C4", "镇", "管辖!C4", "unknown 层级 '镇'"),
        ("管辖", "D4", "77", "管辖!A4", "the parent '77' of 西街道 is missing"),
        ("目录", "B2", "乙市", "目录!B2", "the city is 乙市, but the gazetteer is about 甲市"),
        ("目录", "B2", None, "目录", "城市 is missing"),
        ("目录", "A3", "版次", "目录!A3", "unknown item '版次'"),
    ],
)
def test_a_fault_is_told_with_sheet_and_cell(
    workbook: Path, sheet: str, cell: str, value: object, where: str, what: str
) -> None:
    book = openpyxl.load_workbook(workbook)
    book[sheet][cell] = value
    book.save(workbook)
    assert (where, what) in faults(workbook)


def test_a_missing_sheet_is_one_fault(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    del book["家族"]
    book.save(workbook)
    assert faults(workbook) == [("家族", "the sheet is missing")]


def test_a_missing_column_is_one_fault(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    book["家族"].delete_cols(1)
    book.save(workbook)
    assert faults(workbook) == [("家族!A1", "the column '家族名称' is missing")]


def test_an_empty_sheet_lacks_its_header(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    book["规则"].delete_rows(1, 9)
    book.save(workbook)
    assert faults(workbook) == [("规则!A1", "the header row is missing")]


def test_the_error_lists_every_fault_errors_first() -> None:
    warning = Fault("a", "dull", "Sharpen it", Severity.WARNING)
    error = CatalogError([warning, Fault("b", "broken", "Mend it")], where="here")
    assert [fault.where for fault in error.faults] == ["b", "a"]
    assert str(error) == "here: 1 error in the catalog\n  b: broken. Mend it"


def test_check_exits_with_1_for_errors(folder: Path) -> None:
    put(folder, UNITS, MORE.replace("'111'", "'999'"))
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert result.exit_code == 1
    assert "departments.yaml line 10: there is no jurisdiction '999'. Give a code" in result.stdout


def test_check_exits_with_0_for_warnings(folder: Path) -> None:
    put(folder, "families.yaml", FILES["families.yaml"].replace("  duty: 市容\n", ""))
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert result.exit_code == 0
    assert "warning: " in result.stdout
    assert "甲市: 2 units of 2 families" in result.stdout


def test_convert_goes_both_ways(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["convert", str(folder), str(tmp_path / "x.xlsx")]).exit_code == 0
    assert run(app, ["convert", str(tmp_path / "x.xlsx"), str(tmp_path / "back")]).exit_code == 0
    assert load_catalog(tmp_path / "back").content_hash == load_catalog(folder).content_hash
