"""The hand-written cases of places_suite.yaml, without learned names."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.gazetteer.build import build_gazetteer
from data.tickets.ticket import Ticket
from model.decision import PlacedJurisdiction
from model.jurisdiction import PlaceResolver
from training.bench_places import expected, measure

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jionlp") is None, reason="the national table comes with jionlp"
)
CASES: list[Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("places_suite.yaml").read_text(encoding="utf-8")
)
LEAST_RIGHT = 0.99


@cache
def resolver(city: str) -> PlaceResolver:
    return PlaceResolver(build_gazetteer(city))


def path(city: str, code: str) -> str:
    return "/".join(step.name for step in resolver(city).gazetteer.path(code)[1:])


def answer(case: Mapping[str, Any]) -> PlacedJurisdiction:
    ticket = Ticket("", case["text"], address=case.get("address"), district=case.get("district"))
    return resolver(case["city"]).resolve(ticket)


def is_right(case: Mapping[str, Any], placed: PlacedJurisdiction) -> bool:
    if placed.status != case["status"]:
        return False
    if "area" in case:
        return (
            placed.jurisdiction is not None and path(case["city"], placed.jurisdiction.code) == case["area"]
        )
    return {path(case["city"], option.code) for option in placed.options} == set(case.get("options", ()))


def is_silently_wrong(case: Mapping[str, Any], placed: PlacedJurisdiction) -> bool:
    """Settled, and neither on the area asked for nor on one around it."""
    if placed.status != "resolved" or placed.jurisdiction is None:
        return False
    return not f"{case.get('area', '')}/".startswith(f"{path(case['city'], placed.jurisdiction.code)}/")


def test_the_suite_is_broad() -> None:
    assert len(CASES) >= 250
    assert len({case["city"] for case in CASES}) >= 10
    assert len(
        {case["text"] + str(case.get("address")) + str(case.get("district")) for case in CASES}
    ) == len(CASES)


def test_the_areas_asked_for_exist() -> None:
    for case in CASES:
        known = {path(case["city"], area.code) for area in resolver(case["city"]).gazetteer.named(leaf(case))}
        assert not (wanted := {case.get("area"), *case.get("options", ())[:1]} - {None}) or wanted & known, (
            case
        )


def leaf(case: Mapping[str, Any]) -> str:
    return str(case.get("area") or next(iter(case.get("options", ())), "")).split("/")[-1]


def test_enough_are_right() -> None:
    missed = [case["text"] for case in CASES if not is_right(case, answer(case))]
    assert len(missed) <= (1 - LEAST_RIGHT) * len(CASES), missed


def test_none_is_silently_wrong() -> None:
    assert [case["text"] for case in CASES if is_silently_wrong(case, answer(case))] == []


def test_the_comparison_counts_right_wrong_and_none() -> None:
    cases = [case for case in CASES if case["city"] == "海口市" and expected(case) == "龙华区"][:4]
    given = iter(["龙华区", "龙华区", "美兰区", None])
    assert measure(lambda _: next(given), cases)[:3] == (0.5, 0.25, 0.25)


def test_a_case_within_one_district_asks_for_that_district() -> None:
    assert expected({"options": ["龙华区/海垦街道", "龙华区/金贸街道"]}) == "龙华区"
    assert expected({"options": ["龙华区", "秀英区"]}) is None
