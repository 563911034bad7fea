from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.decision import Level
from model.policy import EVERYWHERE, Policy, Thresholds, precision_lower_bound, precision_upper_bound


def _fit(
    scores: list[float],
    right: list[bool],
    units: list[str] | None = None,
    places: list[str] | None = None,
    **promises: float,
) -> Policy:
    return Policy.fit(
        np.array(scores, dtype=np.float32),
        np.array(right),
        units or ["u"] * len(scores),
        places or ["city"] * len(scores),
        **{"auto_precision": 0.95, "preselect_precision": 0.75, "confidence": 0.9} | promises,
    )


# One-sided 95% Clopper-Pearson bounds are the ends of the two-sided 90% intervals of published tables;
# of k = n the lower one is (1 - confidence) ** (1 / n) and of k = 0 the upper one 1 minus that.
@pytest.mark.parametrize(
    ("right", "total", "confidence", "lower", "upper"),
    [
        (10, 10, 0.95, 0.05 ** (1 / 10), 1.0),
        (0, 10, 0.95, 0.0, 1 - 0.05 ** (1 / 10)),
        (5, 10, 0.975, 0.1871, 0.8129),
        (8, 10, 0.975, 0.4439, 0.9748),
        (5, 10, 0.95, 0.2224, 0.7776),
    ],
)
def test_bounds_are_those_of_clopper_and_pearson(
    right: int, total: int, confidence: float, lower: float, upper: float
) -> None:
    assert precision_lower_bound(right, total, confidence) == pytest.approx(lower, abs=1e-4)
    assert precision_upper_bound(right, total, confidence) == pytest.approx(upper, abs=1e-4)


def test_threshold_is_the_lowest_at_which_the_promise_holds() -> None:
    # 100 sure tickets, all right; below them one in two is wrong.
    scores = [0.9] * 100 + [0.5] * 100
    right = [True] * 100 + [True, False] * 50
    policy = _fit(scores, right)
    assert policy.groups["city"].auto == 0.895  # of the grid, the one just below
    assert policy.tickets == 200


def test_tickets_of_one_score_are_taken_together() -> None:
    # The right ones come first in the file, but a threshold cannot tell them from the wrong ones.
    policy = _fit([0.8] * 120, [True] * 60 + [False] * 60)
    assert policy.level(0.8, "u", "city") is not Level.AUTO


def test_a_promise_must_hold_with_confidence_not_on_average() -> None:
    scores, right = [0.9] * 40, [True] * 38 + [False] * 2  # 95% of 40: chance may have helped
    assert _fit(scores, right).level(0.9, "u", "city") is not Level.AUTO


def test_too_few_tickets_are_never_auto() -> None:
    policy = _fit([0.99] * 20, [True] * 20, auto_precision=0.5)
    assert policy.level(1.0, "u", "city") is Level.SUGGEST


def test_a_unit_that_breaks_the_promise_is_never_auto() -> None:
    scores = [0.9] * 400
    right = [True] * 390 + [False] * 10
    units = ["good"] * 390 + ["bad"] * 10
    policy = _fit(scores, right, units)
    assert policy.never_auto == ("bad",)
    assert policy.level(0.9, "good", "city") is Level.AUTO
    assert policy.level(0.9, "bad", "city") is Level.PRESELECT


def test_preselect_asks_for_no_more_than_auto() -> None:
    policy = _fit([0.9] * 100, [True] * 100, auto_precision=0.9, preselect_precision=0.95)
    assert policy.groups["city"].preselect <= policy.groups["city"].auto


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (1.0, Level.AUTO),
        (0.8, Level.AUTO),
        (0.79, Level.PRESELECT),
        (0.5, Level.PRESELECT),
        (0.49, Level.SUGGEST),
        (0.15, Level.SUGGEST),
        (0.14, Level.CONSULT),
    ],
)
def test_levels_change_at_the_thresholds(score: float, level: Level) -> None:
    policy = Policy({"city": Thresholds(0.8, 0.5, 100)}, 0.15, (), 0.95, 0.9)
    assert policy.level(score, "u", "city") is level


def test_save_and_load_give_the_same(tmp_path: Path) -> None:
    policy = Policy({"city": Thresholds(0.8123, 1 / 3, 1234)}, 0.15, ("u-1", "u-2"), 0.95, 0.9)
    policy.save(tmp_path / "policy.json")
    assert Policy.load(tmp_path / "policy.json") == policy


def test_each_level_of_place_keeps_the_promise_by_itself() -> None:
    # Together 96% are right; of the districts' units one in five is wrong.
    scores = [0.9] * 1250
    right = [True] * 1000 + ([True] * 4 + [False]) * 50
    policy = _fit(scores, right, places=["city"] * 1000 + ["district"] * 250)
    assert policy.level(0.9, "u", "city") is Level.AUTO
    assert policy.level(0.9, "u", "district") is Level.PRESELECT


def test_the_walk_stops_at_the_first_threshold_that_fails() -> None:
    # Far below, so many right ones follow that all together would keep the promise again.
    scores = [0.95] * 200 + [0.9] * 100 + [0.5] * 5000
    right = [True] * 200 + [False] * 100 + [True] * 5000
    assert _fit(scores, right).groups["city"].auto == pytest.approx(0.945)


def test_a_level_that_was_not_seen_is_never_auto() -> None:
    policy = _fit([0.9] * 400, [True] * 400)
    assert policy.level(1.0, "u", "subdistrict") is Level.SUGGEST


def test_preselect_never_reaches_below_consult() -> None:
    group = _fit([0.05] * 400 + [0.16] * 400, [True] * 800).groups["city"]
    assert group.auto >= group.preselect >= 0.15


def test_a_held_ticket_is_for_a_person() -> None:
    policy = _fit([0.9] * 400, [True] * 400)
    assert policy.level(1.0, "u", "city", held=True) is Level.PRESELECT


def test_a_file_of_the_first_format_is_one_group(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    old = {
        "auto_threshold": 0.8,
        "preselect_threshold": 0.5,
        "consult_threshold": 0.15,
        "never_auto": ["bad"],
        "promised_precision": 0.95,
        "confidence": 0.9,
        "tickets": 100,
    }
    path.write_text(json.dumps(old))
    policy = Policy.load(path)
    assert policy == Policy({EVERYWHERE: Thresholds(0.8, 0.5, 100)}, 0.15, ("bad",), 0.95, 0.9)
    assert policy.level(0.9, "u", "district") is Level.AUTO
    assert policy.level(0.9, "bad", "city") is Level.PRESELECT
