"""The generator's synthetic tickets are repeatable, labelled and as noisy as promised."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.folder import load_catalog
from data.errors import PaidanError
from data.samples import sample_catalog_path
from data.samples.cli import app
from data.samples.generator import PHRASES, generate_tickets
from data.samples.phrase_bank import PhraseBank, PhraseBankError
from data.samples.places import PlaceKind, Places
from data.samples.ticket_lines import write_ticket_lines
from data.text import mask_pii

COUNT = 2000
START, DAYS = date(2025, 1, 1), 300
FIRST_OF_SEED_7 = ("机动车违法停车", "2025-07-22T11:10:17")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(sample_catalog_path())


@pytest.fixture(scope="module")
def tickets(catalog: Catalog) -> list[dict[str, Any]]:
    return list(generate_tickets(catalog, COUNT, 7, START, DAYS))


@pytest.fixture(scope="module")
def bank() -> PhraseBank:
    return PhraseBank.load(PHRASES)


def share(tickets: list[dict[str, Any]], trap: str) -> float:
    return sum(trap in ticket["traps"] for ticket in tickets) / len(tickets)


def test_the_same_seed_gives_the_same_tickets(catalog: Catalog, tickets: list[dict[str, Any]]) -> None:
    assert list(generate_tickets(catalog, COUNT, 7, START, DAYS)) == tickets


def test_the_tickets_do_not_depend_on_the_hash_seed_of_the_process(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom datetime import date\nfrom data.catalog.folder import load_catalog\n"
        "from data.samples import sample_catalog_path\nfrom data.samples.generator import generate_tickets\n"
        "catalog = load_catalog(sample_catalog_path())\n"
        "sys.stdout.write(ascii(list(generate_tickets(catalog, 50, 3, date(2025, 1, 1), 30))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_first_ticket_of_seed_7_is_the_same_on_every_platform(catalog: Catalog) -> None:
    first = next(generate_tickets(catalog, 1, 7, START, DAYS))
    assert (first["issue_category"], first["created_at"]) == FIRST_OF_SEED_7


def test_another_seed_gives_other_tickets(catalog: Catalog, tickets: list[dict[str, Any]]) -> None:
    other = generate_tickets(catalog, 100, 8, START, DAYS)
    assert [ticket["text"] for ticket in other] != [ticket["text"] for ticket in tickets[:100]]


def test_there_are_as_many_as_asked_for(tickets: list[dict[str, Any]]) -> None:
    assert len(tickets) == COUNT


@pytest.mark.parametrize(("count", "days"), [(-1, 10), (10, 0)])
def test_impossible_numbers_are_refused(catalog: Catalog, count: int, days: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        generate_tickets(catalog, count, 1, START, days)


def test_they_come_in_order_of_time_within_the_span(tickets: list[dict[str, Any]]) -> None:
    times = [datetime.fromisoformat(ticket["created_at"]) for ticket in tickets]
    assert times == sorted(times)
    assert times[0].date() >= START
    assert (times[-1].date() - START).days < DAYS


def test_no_number_or_text_occurs_twice(tickets: list[dict[str, Any]]) -> None:
    assert len({ticket["ticket_id"] for ticket in tickets}) == COUNT
    assert len({ticket["text"] for ticket in tickets}) == COUNT


def test_every_label_is_a_unit_of_the_catalog(tickets: list[dict[str, Any]], catalog: Catalog) -> None:
    names = {unit.name for unit in catalog.departments.values()}
    used = {name for ticket in tickets for name in (ticket["department"], *ticket["assisting"])}
    assert used - names == set()


def test_every_issue_category_and_place_is_known(tickets: list[dict[str, Any]], catalog: Catalog) -> None:
    categories = {category.name for category in catalog.issue_categories.values()}
    places = {area.name for area in catalog.gazetteer} | {None}
    assert {ticket["issue_category"] for ticket in tickets} <= categories
    assert {ticket["expected_place"] for ticket in tickets} <= places


@pytest.mark.parametrize(
    ("trap", "expected"),
    [
        ("no_place", 0.15),
        ("nickname", 0.08),
        ("two_places", 0.05),
        ("label_noise", 0.04),
        ("near_duplicate", 0.03),
    ],
)
def test_noise_has_the_share_that_was_promised(
    tickets: list[dict[str, Any]], trap: str, expected: float
) -> None:
    assert share(tickets, trap) == pytest.approx(expected, rel=0.3)


def test_a_ticket_without_a_place_names_no_district_or_street(
    tickets: list[dict[str, Any]], catalog: Catalog
) -> None:
    districts = {area.name for area in catalog.gazetteer.children(catalog.gazetteer.city.code)}
    named = [
        ticket["ticket_id"]
        for ticket in tickets
        if "no_place" in ticket["traps"]
        and ("district" in ticket or any(name in ticket["text"] for name in districts))
    ]
    assert named == []


def test_lengths_run_from_15_to_300(tickets: list[dict[str, Any]]) -> None:
    lengths = [len(ticket["text"]) for ticket in tickets]
    assert min(lengths) >= 15
    assert max(lengths) <= 300
    assert sum(length < 25 for length in lengths) > COUNT / 100
    assert sum(length > 150 for length in lengths) > COUNT / 50


def test_categories_and_streets_are_skewed_but_varied(tickets: list[dict[str, Any]]) -> None:
    for field, distinct in (("issue_category", 180), ("department", 300)):
        uses = sorted(Counter(ticket[field] for ticket in tickets).values(), reverse=True)
        assert len(uses) > distinct
        assert sum(uses[: len(uses) // 10]) > 3 * sum(uses[-len(uses) // 3 :])


def test_heating_is_a_matter_of_the_winter(tickets: list[dict[str, Any]]) -> None:
    months = Counter(
        datetime.fromisoformat(ticket["created_at"]).month
        for ticket in tickets
        if ticket["issue_category"] == "室温不达标"
    )
    assert sum(months[month] for month in (1, 2, 3)) > 4 * sum(months[month] for month in (5, 6, 7, 8))


def test_no_slot_is_left_unfilled(tickets: list[dict[str, Any]]) -> None:
    assert [ticket["text"] for ticket in tickets if set("{}") & set(ticket["text"])] == []


def test_numbers_are_masked(tickets: list[dict[str, Any]]) -> None:
    texts = [ticket["text"] for ticket in tickets]
    assert any("0000****" in text for text in texts)
    assert [text for text in texts if mask_pii(text) != text] == []


def test_a_ticket_about_one_of_several_companies_names_it(
    tickets: list[dict[str, Any]], catalog: Catalog
) -> None:
    unnamed = []
    for ticket in tickets:
        unit = catalog.find_unit(ticket["department"])
        assert unit is not None
        if unit.family in {"外卖平台", "电商平台", "共享单车平台"} and "label_noise" not in ticket["traps"]:
            names = (unit.name, *unit.aliases)
            unnamed += [] if any(name in ticket["text"] for name in names) else [ticket["text"]]
    assert unnamed == []


def test_an_estate_lies_in_the_same_street_whatever_the_seed(catalog: Catalog, bank: PhraseBank) -> None:
    streets: dict[str, set[str]] = {}
    for seed in (1, 2):
        for ticket in generate_tickets(catalog, 1000, seed, START, DAYS):
            if "nickname" in ticket["traps"]:
                for first in bank.common["estates"]["first"]:
                    for second in bank.common["estates"]["second"]:
                        if f"{first}{second}" in ticket["text"]:
                            streets.setdefault(first + second, set()).add(ticket["expected_place"])
    repeated = [places for places in streets.values() if places]
    assert max(map(len, repeated)) == 1


def test_no_estate_has_the_name_of_a_real_place(catalog: Catalog, bank: PhraseBank) -> None:
    places = Places(catalog.gazetteer, bank.common)
    estates = [estate for own in places.estates.values() for estate in own]
    assert len(estates) == len(set(estates))
    assert set(estates) & set(catalog.gazetteer.surfaces()) == set()


def test_every_leaf_category_has_phrases_of_its_own(catalog: Catalog, bank: PhraseBank) -> None:
    ruled = {rule.category for rule in catalog.rules}
    names = {catalog.issue_categories[code].name for code in ruled}
    assert names - set(bank.categories) == set()
    rich = [name for name in names if len(bank.of(name).say) + len(bank.of(name).ask) >= 4]
    assert len(rich) >= 60


def test_the_bank_names_no_category_that_the_catalog_lacks(catalog: Catalog, bank: PhraseBank) -> None:
    names = {category.name for category in catalog.issue_categories.values()}
    assert set(bank.categories) - names == set()
    assert set(bank.common["ranking"]) - names == set()


def test_no_phrase_stands_twice_in_the_bank(bank: PhraseBank) -> None:
    uses = Counter(phrase for own in bank.categories.values() for phrase in (*own.say, *own.ask))
    assert [phrase for phrase, n in uses.items() if n > 1] == []


def test_an_unknown_key_in_the_bank_is_named(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text("slots: {}\n", "utf-8")
    (tmp_path / "01.yaml").write_text("停电与抢修: {shout: [没电]}\n", "utf-8")
    with pytest.raises(PhraseBankError, match=r"01\.yaml.*停电与抢修"):
        PhraseBank.load(tmp_path)


def test_a_missing_bank_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhraseBankError, match=r"common\.yaml"):
        PhraseBank.load(tmp_path)


def test_a_missing_place_is_kept_apart_from_an_estate(catalog: Catalog, bank: PhraseBank) -> None:
    places = Places(catalog.gazetteer, bank.common)
    assert places.draw(Random(1), PlaceKind.MISSING).area is None
    estate = places.draw(Random(1), PlaceKind.ESTATE)
    assert estate.area is not None
    assert estate.area.name not in estate.text


def test_the_command_writes_a_line_for_each_ticket(tmp_path: Path) -> None:
    output = tmp_path / "tickets.jsonl"
    result = CliRunner().invoke(
        app, ["tickets", "--count", "25", "--seed", "7", "--city", "beijing", "--output", str(output)]
    )
    assert result.exit_code == 0, result.output
    lines = output.read_text("utf-8").splitlines()
    assert len(lines) == 25
    assert json.loads(lines[0])["department"]
    assert [path.name for path in tmp_path.iterdir()] == ["tickets.jsonl"]


def test_an_interrupted_file_leaves_the_old_one(tmp_path: Path) -> None:
    output = tmp_path / "tickets.jsonl"
    output.write_text("old\n")

    def failing() -> Any:
        yield {"ticket_id": "1"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_ticket_lines(output, failing())
    assert output.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["tickets.jsonl"]


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    write_ticket_lines(tmp_path / "none" / "tickets.jsonl", [])
    assert (tmp_path / "none" / "tickets.jsonl").read_bytes() == b""


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PaidanError, match="cannot be written"):
        write_ticket_lines(tmp_path / "file" / "tickets.jsonl", [])
