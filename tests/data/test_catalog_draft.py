"""A catalog is drafted from past tickets (made-up ones), and says nothing of any one of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.cli import app
from data.catalog.draft import CatalogDrafter, DraftedCatalog
from data.catalog.folder import load_catalog, read_catalog
from data.catalog.variants import Variant
from data.errors import PaidanError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("1", "海口市", JurisdictionLevel.CITY, None, ("海口",)),
        Jurisdiction("11", "龙华区", JurisdictionLevel.DISTRICT, "1", ("龙华",)),
        Jurisdiction("12", "美兰区", JurisdictionLevel.DISTRICT, "1", ("美兰",)),
        Jurisdiction("111", "海垦街道", JurisdictionLevel.SUBDISTRICT, "11", ("海垦",)),
    ]
)
TICKETS = [
    *(
        ("龙华区城管局", f"市民来电反映：海垦路夜间施工噪音扰民，王建国电话1390000{i:04}，第{i}次")
        for i in range(12)
    ),
    *(("美兰区城市管理行政执法局", f"市民来电反映：美兰区商贩占道经营，施工噪音，编号{i}") for i in range(8)),
    *(("市教育局", f"市民来电反映：学校老师补课收费，学生家长不满，第{i}次") for i in range(9)),
    *(("龙华区海垦街道办", f"市民来电反映：楼道堆放杂物，垃圾无人清理，第{i}次") for i in range(6)),
    ("海口供电局", "市民来电反映：停电"),
]
PAIR = ("城管局", "城市管理行政执法局")


def drafted(*decided: Variant, tickets: list[tuple[str, str]] | None = None) -> DraftedCatalog:
    drafter = CatalogDrafter(GAZETTEER)
    for name, text in TICKETS if tickets is None else tickets:
        drafter.add(name, text)
    return drafter.draft(decided, version="2018-05")


@pytest.fixture(scope="module")
def draft() -> DraftedCatalog:
    return drafted()


@pytest.fixture(scope="module")
def merged() -> Catalog:
    return drafted(Variant(PAIR, 0.5, "", accept=True)).catalog


def test_every_unit_name_becomes_a_unit_in_its_place(draft: DraftedCatalog) -> None:
    found = {unit.name: (unit.family, unit.jurisdiction) for unit in draft.catalog.departments.values()}
    assert found == {
        "龙华区城管局": ("城管局", "11"),
        "美兰区城市管理行政执法局": ("城市管理行政执法局", "12"),
        "市教育局": ("教育局", "1"),
        "龙华区海垦街道办": ("街镇", "111"),
        "海口供电局": ("供电局", "1"),
    }


def test_codes_are_short_and_stay_the_same(draft: DraftedCatalog) -> None:
    assert draft.catalog.find_unit("龙华区城管局").code == "u-0d99f27b"  # type: ignore[union-attr]


def test_a_duty_tells_the_typical_words(draft: DraftedCatalog) -> None:
    duty = draft.catalog.families["教育局"].duty
    assert duty.startswith("教育局，受理：")
    assert {"学校", "老师", "补课"} <= set(duty.split("：")[1].split("、"))


def test_a_duty_names_no_person_place_number_or_phrase_of_every_call(draft: DraftedCatalog) -> None:
    words = {
        word
        for family in draft.catalog.families.values()
        for word in family.duty.partition("受理：")[2].split("、")
    }
    assert words & {"王建国", "建国", "海垦", "美兰", "美兰区", "市民", "来电", "反映"} == set()
    assert not any(char.isdigit() or char == "*" for word in words for char in word)


def test_a_family_of_few_tickets_has_its_name_for_a_duty(draft: DraftedCatalog) -> None:
    assert draft.catalog.families["供电局"].duty == "供电局"


def test_the_duty_spells_short_forms_out(draft: DraftedCatalog) -> None:
    assert draft.catalog.families["城管局"].duty.startswith("城市管理局，受理：")


def test_spellings_of_one_family_are_proposed(draft: DraftedCatalog) -> None:
    (found,) = draft.variants
    assert (found.families, found.accept) == (PAIR, None)
    assert 0 < found.similarity <= 1


def test_accepted_spellings_become_one_family(merged: Catalog) -> None:
    assert merged.families["城管局"].aliases == ("城市管理行政执法局",)
    assert {unit.name for unit in merged.units_of("城管局")} == {
        "龙华区城管局",
        "美兰区城市管理行政执法局",
    }


def test_refused_spellings_stay_apart_and_are_not_proposed_again() -> None:
    refused = Variant(PAIR, 0.5, "", accept=False)
    found = drafted(refused)
    assert set(PAIR) <= set(found.catalog.families)
    assert found.variants == (refused,)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("海口市龙华区城管局", "龙华区城管局"),
        ("龙华区城市管理行政执法局", "龙华区城管局"),
        ("美兰区城管局", "美兰区城市管理行政执法局"),
        ("龙华区海垦街道办事处", "龙华区海垦街道办"),
        ("海口市龙华区海垦街道", "龙华区海垦街道办"),
        ("海口市教育局", "市教育局"),
    ],
)
def test_a_unit_is_found_by_its_likely_other_names(merged: Catalog, alias: str, name: str) -> None:
    assert merged.find_unit(alias).name == name  # type: ignore[union-attr]


def test_a_name_that_two_units_could_claim_is_given_to_neither() -> None:
    found = drafted(tickets=[("龙华区海垦街道办", "甲"), ("海口市龙华区海垦街道办事处", "乙")]).catalog
    assert [unit.aliases for unit in found.departments.values()] == [(), ()]


def test_two_ways_to_type_one_name_are_one_unit() -> None:
    found = drafted(tickets=[("市教育局", "甲"), ("市 教育局", "乙"), ("市教育局", "丙")]).catalog
    assert [unit.name for unit in found.departments.values()] == ["市教育局"]


def test_units_that_hold_a_place_but_were_not_placed_are_told() -> None:
    found = drafted(tickets=[("海口美兰国际机场", "甲"), ("美兰区教育局", "乙"), ("市教育局", "丙")])
    assert (found.holding_place, found.unplaced) == (2, ("海口美兰国际机场",))


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    with (tmp_path / "tickets.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket_id", "text", "department"])
        writer.writerows((number, text, name) for number, (name, text) in enumerate(TICKETS))
    (tmp_path / "columns.yaml").write_text("{ticket_id: ticket_id, text: text, department: department}\n")
    GAZETTEER.save(tmp_path / "gazetteer")
    names = {"--columns": "columns.yaml", "--gazetteer": "gazetteer", "--output": "out"}
    options = [part for key, name in names.items() for part in (key, str(tmp_path / name))]
    return ["draft", str(tmp_path / "tickets.csv"), *options]


def test_the_command_writes_a_sound_catalog_and_the_open_questions(
    command: list[str], tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert "3 of 3 units whose name holds a district or street" in result.stdout
    assert read_catalog(tmp_path / "out").faults == ()
    questions = yaml.safe_load((tmp_path / "out" / "variants.yaml").read_text("utf-8"))
    assert [(item["families"], item["accept"]) for item in questions] == [(list(PAIR), None)]


def test_the_command_applies_a_person_s_decisions(command: list[str], tmp_path: Path) -> None:
    CliRunner().invoke(app, command)
    decisions = tmp_path / "out" / "variants.yaml"
    decisions.write_text(decisions.read_text("utf-8").replace("accept: null", "accept: true"), "utf-8")
    result = CliRunner().invoke(app, [*command, "--variants", str(decisions), "--overwrite"])
    assert result.exit_code == 0
    assert load_catalog(tmp_path / "out").families["城管局"].aliases == ("城市管理行政执法局",)
    assert "accept: true" in decisions.read_text("utf-8")


def test_an_edited_catalog_is_not_replaced(command: list[str], tmp_path: Path) -> None:
    CliRunner().invoke(app, command)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert isinstance(result.exception, PaidanError)
    assert "holds a catalog already" in str(result.exception)


def test_a_file_without_departments_gives_no_catalog(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("ticket_id,text,department\n1,路灯不亮了请修理,\n", "utf-8")
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, PaidanError)
    assert not (tmp_path / "out").exists()
