"""The hand-written tickets of the sample city are what they are said to be."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import DispatchMode
from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path, sample_tickets_path
from data.samples.rulebook import Rulebook
from data.text import mask_pii
from data.tickets.columns import ColumnMapping
from data.tickets.reading import iter_tickets
from data.tickets.ticket import Ticket

TRAPS = {
    "road_named_after_other_district",
    "lives_elsewhere",
    "two_places",
    "boundary",
    "no_place",
    "nickname",
    "traditional",
    "full_width",
    "look_alike",
    "several_demands",
    "competence",
    "company",
    "urgent",
    "out_of_scope",
    "very_short",
    "emoji",
    "rude",
    "html",
    "old_name",
    "enquiry",
    "praise",
    "follow_up",
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(sample_catalog_path())


@pytest.fixture(scope="module")
def tickets() -> list[dict[str, Any]]:
    return [json.loads(line) for line in sample_tickets_path().read_text("utf-8").splitlines()]


def test_there_are_150_of_them(tickets: list[dict[str, Any]]) -> None:
    assert len(tickets) >= 150


def test_sixty_hold_a_trap_in_their_text(tickets: list[dict[str, Any]]) -> None:
    in_text = TRAPS - {"company", "enquiry", "no_place"}
    assert sum(bool(in_text & set(ticket["traps"])) for ticket in tickets) >= 60


def test_every_kind_of_trap_occurs(tickets: list[dict[str, Any]]) -> None:
    assert {trap for ticket in tickets for trap in ticket["traps"]} == TRAPS


def test_no_number_or_text_occurs_twice(tickets: list[dict[str, Any]]) -> None:
    for field in ("ticket_id", "text"):
        uses = Counter(ticket[field] for ticket in tickets)
        assert [value for value, n in uses.items() if n > 1] == []


def test_lengths_are_as_varied_as_real_ones(tickets: list[dict[str, Any]]) -> None:
    lengths = [len(ticket["text"]) for ticket in tickets]
    assert min(lengths) >= 15
    assert max(lengths) <= 500
    assert sum(length < 30 for length in lengths) >= 5
    assert sum(length > 200 for length in lengths) >= 5


def test_every_channel_is_used(tickets: list[dict[str, Any]]) -> None:
    assert {ticket["channel"] for ticket in tickets} == {"电话", "网站", "微信", "APP"}


def test_every_unit_is_named_as_in_the_catalog(tickets: list[dict[str, Any]], catalog: Catalog) -> None:
    names = {unit.name for unit in catalog.departments.values()}
    used = {name for ticket in tickets for name in (ticket["department"], *ticket["assisting"])}
    assert used - names == set()


def test_every_issue_category_is_a_leaf_of_the_catalog(
    tickets: list[dict[str, Any]], catalog: Catalog
) -> None:
    categories = catalog.issue_categories
    parents = {category.parent for category in categories.values()}
    leaves = {category.name for code, category in categories.items() if code not in parents}
    assert {ticket["issue_category"] for ticket in tickets} - leaves == set()


def test_every_expected_place_is_in_the_gazetteer(tickets: list[dict[str, Any]], catalog: Catalog) -> None:
    places = {area.name for area in catalog.gazetteer}
    assert {ticket["expected_place"] for ticket in tickets} - {None} - places == set()


def test_a_unit_of_a_district_acts_where_the_ticket_lies(
    tickets: list[dict[str, Any]], catalog: Catalog
) -> None:
    gazetteer = catalog.gazetteer
    elsewhere = []
    for ticket in tickets:
        unit = catalog.find_unit(ticket["department"])
        assert unit is not None
        district = gazetteer.district_of(unit.jurisdiction)
        places = [area.code for area in gazetteer if area.name == ticket["expected_place"]]
        if district and not any(gazetteer.is_within(place, district.code) for place in places):
            elsewhere.append(ticket["ticket_id"])
    assert elsewhere == []


def test_tickets_are_dual_exactly_when_somebody_assists(tickets: list[dict[str, Any]]) -> None:
    wrong = [t for t in tickets if (t["mode"] == DispatchMode.DUAL) != bool(t["assisting"])]
    assert wrong == []


def test_labels_agree_with_the_rules_on_who_takes_part(
    tickets: list[dict[str, Any]], catalog: Catalog
) -> None:
    rulebook = Rulebook(catalog)
    codes = {category.name: category.code for category in catalog.issue_categories.values()}
    strangers = []
    for ticket in tickets:
        areas = [area.code for area in catalog.gazetteer if area.name == ticket["expected_place"]]
        duties = [
            rulebook.duty(codes[ticket["issue_category"]], area)
            for area in areas or [catalog.gazetteer.city.code]
        ]
        members = {unit.name for duty in duties if duty for unit in (*duty.leads, *duty.assisting)}
        if ticket["department"] not in members:
            strangers.append(ticket["ticket_id"])
    assert strangers == []


def test_they_hold_no_phone_or_identity_number(tickets: list[dict[str, Any]]) -> None:
    texts = [text for t in tickets for text in (t["text"], t.get("title", ""), t.get("address", ""))]
    assert [text for text in texts if mask_pii(text) != text] == []


def test_they_are_read_as_any_ticket_file(tickets: list[dict[str, Any]]) -> None:
    read = list(iter_tickets(Path(sample_tickets_path()), ColumnMapping.identity()))
    assert [type(ticket) for ticket in read] == [Ticket] * len(tickets)
