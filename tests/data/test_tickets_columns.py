from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
import yaml

from data.tickets.columns import FIELDS, ColumnMapping, ColumnsError

CONFIGS = resources.files("configs").joinpath("columns")


def load(tmp_path: Path, content: str) -> ColumnMapping:
    path = tmp_path / "columns.yaml"
    path.write_text(content, "utf-8")
    return ColumnMapping.load(path)


def test_reads_headers_one_or_several(tmp_path: Path) -> None:
    mapping = load(tmp_path, "text: 诉求内容\ncreated_at: [受理时间, 日期]\n")
    assert mapping.headers == {"text": ("诉求内容",), "created_at": ("受理时间", "日期")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no mapping"),
        ("text: [", "not valid YAML"),
        ("txt: 内容", "Did you mean 'text'?"),
        ("text: a\nfoo: b", "unknown key 'foo'"),
        ("title: a", "no header is given for `text`"),
        ("text: {a: b}", "text: not a text"),
        ("text: a\nmin_text_length: 0", "min_text_length"),
        ("text: a\nmin_text_length: true", "min_text_length"),
        ("text: a\nstrip_routing_clause: maybe", "strip_routing_clause"),
        ("text: a\nkeep_if: [b]", "keep_if"),
        ("text: a\nlon: b", "`lon` and `lat`"),
        ("text: a\noptional: [text]", "optional"),
        ("text: a\noptional: [colour]", "optional"),
        ("text: a\ndate_formats: ['%Q']", "date_formats"),
    ],
)
def test_refuses_a_wrong_file_and_names_the_key(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ColumnsError) as caught:
        load(tmp_path, content)
    assert said in str(caught.value)
    assert "columns.yaml" in str(caught.value)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match="cannot be read"):
        ColumnMapping.load(tmp_path / "none.yaml")


def test_goes_through_json_and_comes_back_equal(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        "text: a\nticket_id: [b, c]\noptional: [ticket_id]\nkeep_if: {d: [True, 否], e: null}\n"
        "min_text_length: 6\nstrip_routing_clause: true\ndate_formats: ['%d.%m.%Y']\nsheet: 2018\n",
    )
    assert ColumnMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


def test_identity_maps_every_field_to_its_own_name() -> None:
    identity = ColumnMapping.identity()
    assert set(identity.headers) == set(FIELDS)
    assert all(name in headers for name, headers in identity.headers.items())
    assert identity.optional == set(FIELDS) - {"text"}


def test_default_file_lists_every_key_and_says_the_schemas_defaults() -> None:
    content = yaml.safe_load(CONFIGS.joinpath("default.yaml").read_text("utf-8"))
    bare = ColumnMapping.from_dict({"text": "text"}).to_dict()
    assert set(content) == {*FIELDS, *bare}
    for option in ("keep_if", "min_text_length", "strip_routing_clause", "date_formats", "sheet"):
        assert content[option] == bare[option]


def test_haikou_file_keeps_first_reports_with_a_usable_label() -> None:
    mapping = ColumnMapping.from_dict(yaml.safe_load(CONFIGS.joinpath("haikou.yaml").read_text("utf-8")))
    assert mapping.headers["text"] == ("complaint_text",)
    assert mapping.keep_if == {"is_followup": {"false"}, "department_usable": {"true"}}
    assert mapping.min_text_length == 6


def test_a_missing_header_is_named_with_the_nearest_and_all_that_there_are() -> None:
    mapping = ColumnMapping.from_dict({"text": "诉求内容"})
    with pytest.raises(ColumnsError) as caught:
        mapping.check_headers(("编号", "诉求内容描述"), ["text"], where="a.csv")
    assert "Did you mean '诉求内容描述'?" in str(caught.value)
    assert "编号, 诉求内容描述" in str(caught.value)


def test_one_of_several_headers_is_enough() -> None:
    ColumnMapping.from_dict({"text": ["a", "b"]}).check_headers(("b",), ["text"], where="a.csv")


def test_a_mapped_header_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ColumnsError, match="more than once"):
        ColumnMapping.from_dict({"text": "a"}).check_headers(("a", "a"), ["text"], where="a.csv")


def test_a_ticket_in_the_place_of_a_header_is_not_shown() -> None:
    text = "市民来电反映：某小区门口的路灯已经坏了三天，晚上出行不便，希望相关部门尽快维修"
    with pytest.raises(ColumnsError) as raised:
        ColumnMapping.identity().check_headers([text, "单位"], ["text"], where="f.csv")
    assert text not in str(raised.value)
    assert f"a cell of its first row has {len(text)} characters: is this row a header?" in str(raised.value)
    assert "单位" not in str(raised.value)  # of the same ticket


@pytest.mark.parametrize("number", ["13900000000", "2026-05-01 08:30:00", "2026年5月1日", "116.35"])
def test_nor_is_a_row_with_a_number_in_it(number: str) -> None:
    with pytest.raises(ColumnsError, match="is this row a header") as raised:
        ColumnMapping.identity().check_headers(["路灯坏了", number], ["text"], where="f.csv")
    assert "路灯" not in str(raised.value)
    assert number not in str(raised.value)


@pytest.mark.parametrize("content", ["text: 2018-13-45", "[" * 3000])
def test_what_yaml_cannot_hold_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ColumnsError, match="not valid YAML"):
        ColumnMapping.load(path)


def test_a_row_that_may_be_a_ticket_is_not_quoted_in_a_hint() -> None:
    with pytest.raises(ColumnsError) as refused:
        ColumnMapping.identity().check_headers(
            ["departmen那间铺子", "2018-05-01"], ["department"], where="f.csv"
        )
    assert "那间铺子" not in str(refused.value)
