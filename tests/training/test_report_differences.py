"""Challenger minus champion: figures by hand, intervals that hold, verdicts that do not cry wolf."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from training.report.differences import ALL, Difference, Measure, Outcomes, Verdict, compare_outcomes

NO_GROUPS: dict[str, list[str]] = {}


def outcomes(top1, top3=None, auto=None) -> Outcomes:
    top1 = np.array(top1, dtype=bool)
    return Outcomes(
        top1,
        top1 if top3 is None else np.array(top3, dtype=bool),
        np.ones_like(top1) if auto is None else np.array(auto, dtype=bool),
    )


def overall(rows: list[Difference], measure: Measure) -> Difference:
    (row,) = [row for row in rows if row.scope == ALL and row.measure is measure]
    return row


def test_differences_by_hand():
    champion = outcomes([1, 1, 0, 0, 0, 1, 0, 0], [1, 1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0])
    challenger = outcomes([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0])
    rows = compare_outcomes(champion, challenger, NO_GROUPS, least=1)
    assert [(row.champion, row.challenger) for row in rows] == [
        (3 / 8, 4 / 8),
        (4 / 8, 6 / 8),
        (3 / 8, 5 / 8),
        (pytest.approx(2 / 3), pytest.approx(4 / 5)),
    ]
    assert overall(rows, Measure.TOP1).difference == pytest.approx(1 / 8)


def test_the_p_value_of_a_share_is_exact():
    champion = outcomes([1] * 3 + [0] * 12 + [1] * 85)
    challenger = outcomes([0] * 3 + [1] * 12 + [1] * 85)
    row = overall(compare_outcomes(champion, challenger, NO_GROUPS, least=1), Measure.TOP1)
    assert row.p_value == pytest.approx(binomtest(12, 15).pvalue)


def test_equal_answers_are_no_evidence():
    same = outcomes(np.arange(500) % 3 > 0)
    for row in compare_outcomes(same, same, NO_GROUPS, least=1):
        assert (row.difference, row.interval.low, row.interval.high) == (0, 0, 0)
        assert row.p_value == 1
        assert row.verdict is Verdict.NO_EVIDENCE


@pytest.mark.parametrize(("won", "verdict"), [(True, Verdict.BETTER), (False, Verdict.WORSE)])
def test_a_steady_change_is_told(won, verdict):
    before, after = np.arange(1000) % 2 == 0, np.arange(1000) % 2 == 0
    (after if won else before)[1:80:2] = True
    rows = compare_outcomes(outcomes(before), outcomes(after), NO_GROUPS, least=1)
    assert overall(rows, Measure.TOP1).verdict is verdict


def test_nothing_routed_on_one_side_leaves_its_precision_out():
    right = np.arange(50) % 2 == 0
    rows = compare_outcomes(outcomes(right), outcomes(right, auto=np.zeros(50)), NO_GROUPS, least=1)
    assert {row.measure for row in rows} == {Measure.TOP1, Measure.TOP3, Measure.AUTO_SHARE}


def test_a_few_routed_tickets_say_nothing_of_a_precision():
    """The champion routed one ticket, wrongly: every resample that holds it says 0%."""
    champion = outcomes(np.arange(100) > 0, auto=np.arange(100) == 0)
    challenger = outcomes(np.ones(100))
    rows = compare_outcomes(champion, challenger, NO_GROUPS, least=30)
    assert Measure.AUTO_PRECISION not in {row.measure for row in rows}


def test_small_groups_and_nameless_ones_are_not_compared():
    right = np.arange(100) % 2 == 0
    names = ["街镇"] * 60 + ["城管"] * 9 + [""] * 31
    rows = compare_outcomes(outcomes(right), outcomes(~right), {"family": names}, least=10)
    assert [(row.name, row.tickets) for row in rows if row.measure is Measure.TOP1] == [
        (ALL, 100),
        ("街镇", 60),
    ]


def test_the_group_of_most_tickets_comes_first():
    right = np.arange(100) % 2 == 0
    names = ["甲"] * 20 + ["乙"] * 50 + ["丙"] * 30
    rows = compare_outcomes(outcomes(right), outcomes(right), {"family": names}, least=1)
    assert [row.name for row in rows if row.scope == "family" and row.measure is Measure.TOP1] == [
        "乙",
        "丙",
        "甲",
    ]


def test_the_same_seed_gives_the_same_intervals():
    draw = np.random.default_rng(3)
    sides = [outcomes(draw.random(300) < 0.7, auto=draw.random(300) < 0.5) for _ in range(2)]
    assert compare_outcomes(*sides, NO_GROUPS, least=1) == compare_outcomes(*sides, NO_GROUPS, least=1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """The truth: the champion is right in 70%, the challenger in 74%; of auto tickets in 90% and 93%."""
    draw = np.random.default_rng(11)
    covered = {Measure.TOP1: 0, Measure.AUTO_SHARE: 0, Measure.AUTO_PRECISION: 0}
    truth = {Measure.TOP1: 0.04, Measure.AUTO_SHARE: 0.05, Measure.AUTO_PRECISION: 0.03}
    runs = 120
    for _ in range(runs):
        hard = draw.random(600)
        sides = []
        for auto_share, precision, top1 in ((0.5, 0.90, 0.70), (0.55, 0.93, 0.74)):
            auto = hard < auto_share
            rest = (top1 - auto_share * precision) / (1 - auto_share)
            right = draw.random(600) < np.where(auto, precision, rest)
            sides.append(outcomes(right, auto=auto))
        rows = compare_outcomes(*sides, NO_GROUPS, least=1, seed=int(draw.integers(1000)))
        for measure in covered:
            interval = overall(rows, measure).interval
            covered[measure] += interval.low <= truth[measure] <= interval.high
    for hits in covered.values():
        assert 0.89 <= hits / runs <= 0.99


def test_chance_among_many_groups_is_not_told():
    """Forty families in which nothing changed, and one in which much did."""
    draw = np.random.default_rng(6)
    before, after = draw.random(41 * 60) < 0.7, draw.random(41 * 60) < 0.7
    before[:60], after[:60] = np.arange(60) % 3 == 0, True
    names = [f"职能{row // 60}" for row in range(41 * 60)]
    rows = compare_outcomes(outcomes(before), outcomes(after), {"family": names}, least=30)
    told = [row for row in rows if row.scope == "family" and row.verdict is not Verdict.NO_EVIDENCE]
    assert {row.name for row in told} == {"职能0"}
    by_chance = [
        row
        for row in rows
        if row.scope == "family" and row.name != "职能0" and (row.interval.low > 0 or row.interval.high < 0)
    ]
    assert by_chance  # uncorrected, some of them would have been told
