"""The figures of an evaluation against hand-made cases and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score

from model.decision import Flag, Level
from model.intervals import wilson_interval
from training.report.figures import curve, group_table, headline, level_table, reliability, share
from training.report.groups import NONE, Grouping, groups_of
from training.report.misses import MissKind, confusions, kinds_of_misses

AUTO, PRESELECT, SUGGEST, CONSULT = Level
TEN = [
    ("u1", "u1", 0.9, AUTO),
    ("u1", "u1", 0.8, AUTO),
    ("u1", "u2", 0.7, AUTO),
    ("u1", "u2", 0.6, PRESELECT),
    ("u2", "u2", 0.95, AUTO),
    ("u2", "u1", 0.4, SUGGEST),
    ("u3", "u3", 0.85, PRESELECT),
    ("u3", "u3", 0.3, SUGGEST),
    ("u3", "u1", 0.2, SUGGEST),
    ("gone", "u3", 0.1, CONSULT),
]


def random_answers(count: int, seed: int):
    draw = np.random.default_rng(seed)
    codes = ["u1", "u2", "u3"]
    answers = []
    for _ in range(count):
        right, score = draw.choice(codes), float(draw.uniform(0.34, 1))
        first = right if draw.random() < score else draw.choice(codes)
        answers.append((str(right), str(first), score, AUTO if score > 0.8 else SUGGEST))
    return answers


def test_headline_by_hand(evaluated):
    found = headline(evaluated(TEN))
    assert found.tickets == 10
    assert found.top1.value == pytest.approx(0.5)
    assert found.top3.value == pytest.approx(0.9)  # all but the one of an unknown unit
    assert found.auto_share.value == pytest.approx(0.4)
    assert found.auto_precision.value == pytest.approx(0.75)


def test_a_ticket_of_an_unknown_unit_is_never_right(evaluated):
    evaluation = evaluated([("gone", "u1", 0.9, AUTO)])
    assert not evaluation.within(5).any()
    assert evaluation.unit_names() == ["gone"]


def test_headline_agrees_with_scikit_learn(evaluated):
    answers = random_answers(400, seed=1)
    found = headline(evaluated(answers))
    labels, first = [right for right, *_ in answers], [answer[1] for answer in answers]
    right = np.array(labels) == np.array(first)
    scores = np.array([answer[2] for answer in answers], dtype=np.float32)
    assert found.top1.value == pytest.approx(accuracy_score(labels, first))
    assert found.macro_f1.value == pytest.approx(f1_score(labels, first, average="macro"))
    assert found.brier.value == pytest.approx(brier_score_loss(right, scores))


def test_every_interval_holds_its_figure(evaluated):
    found = headline(evaluated(random_answers(300, seed=2)))
    for name in ("top1", "top3", "macro_f1", "brier", "auto_share", "auto_precision"):
        figure = getattr(found, name)
        assert figure.low <= figure.value <= figure.high
    assert found.ece.low < found.ece.high


def test_a_share_has_the_wilson_interval():
    figure = share(np.array([True] * 8 + [False] * 2))
    interval = wilson_interval(8, 10)
    assert (figure.value, figure.low, figure.high) == (0.8, interval.low, interval.high)


def test_a_share_of_nothing_is_no_figure():
    assert share(np.array([], dtype=bool)).value is None


def test_families_by_hand(evaluated):
    groups = {group.name: group for group in group_table(evaluated(TEN), Grouping.FAMILY)}
    assert {name: group.tickets for name, group in groups.items()} == {"城管": 6, "水务": 3, NONE: 1}
    assert groups["城管"].top1.value == pytest.approx(3 / 6)
    assert groups["城管"].auto_share.value == pytest.approx(4 / 6)
    assert groups["城管"].auto_precision.value == pytest.approx(3 / 4)
    assert groups["水务"].auto_precision.value is None


def test_units_of_the_city_are_in_no_district(evaluated):
    groups = group_table(evaluated(TEN), Grouping.DISTRICT)
    assert [(group.name, group.tickets) for group in groups] == [(NONE, 4), ("东湖区", 4), ("西河区", 2)]


def test_small_groups_are_marked(evaluated):
    groups = group_table(evaluated([("u1", "u1", 0.9, AUTO)] * 30 + TEN[-2:]), Grouping.UNIT)
    assert [(group.name, group.small) for group in groups] == [
        ("东湖区城管局", False),
        ("gone", True),
        ("山海市水务集团", True),
    ]


def test_earlier_tickets_are_counted_by_any_name_of_a_unit(evaluated):
    evaluation = evaluated(TEN, learned={"u1": 7, "东湖城管": 5, "山海市水务集团": 60, "别的单位": 9})
    learned = {group.name: group.learned for group in group_table(evaluation, Grouping.UNIT)}
    assert learned == {"东湖区城管局": 12, "西河区城管局": 0, "山海市水务集团": 60, "gone": None}
    amounts = {group.name: group.tickets for group in group_table(evaluation, Grouping.LEARNED)}
    assert amounts == {"10-49": 4, "0": 2, "50+": 3, NONE: 1}


@pytest.mark.parametrize(
    ("by", "first_two"),
    [
        (Grouping.CHANNEL, [NONE, "电话"]),
        (Grouping.MONTH, ["2026-05", "2026-06"]),
        (Grouping.LENGTH, ["under 50 characters", "under 50 characters"]),
        (Grouping.PLACE_LEVEL, ["district", "district"]),
        (Grouping.FLAG, ["danger", NONE]),
    ],
)
def test_tickets_fall_into_slices(evaluated, by, first_two):
    evaluation = evaluated(TEN, flags=[(Flag.DANGER,)] + [()] * 9)
    assert list(groups_of(evaluation, by))[:2] == first_two


@pytest.mark.parametrize(
    ("characters", "group"),
    [
        (49, "under 50 characters"),
        (50, "under 100 characters"),
        (199, "under 200 characters"),
        (200, "200 characters or more"),
    ],
)
def test_texts_of_like_length_are_one_group(evaluated, characters, group):
    evaluation = evaluated(TEN[:1], texts=["水" * characters])
    assert groups_of(evaluation, Grouping.LENGTH) == [group]


def test_levels_come_from_the_surest_down(evaluated):
    levels = level_table(evaluated(TEN))
    assert [(level.level, level.tickets) for level in levels] == [
        ("auto", 4),
        ("preselect", 2),
        ("suggest", 3),
        ("consult", 1),
    ]
    assert [level.top1.value for level in levels] == [
        pytest.approx(3 / 4),
        pytest.approx(1 / 2),
        pytest.approx(1 / 3),
        0.0,
    ]
    assert sum(level.share for level in levels) == pytest.approx(1)


def test_the_curve_ends_at_all_tickets_and_the_policy_stands_where_it_does(evaluated):
    found = curve(evaluated(TEN))
    assert (found.coverage[0], found.precision[0]) == (0.1, 1.0)  # the surest ticket is right
    assert (found.coverage[-1], found.precision[-1]) == (1.0, pytest.approx(0.5))
    assert found.auto == (0.4, 0.75)
    assert found.auto_and_preselect == (pytest.approx(0.6), pytest.approx(4 / 6))


def test_a_long_curve_is_thinned(evaluated):
    found = curve(evaluated(random_answers(900, seed=3)))
    assert len(found.coverage) == len(found.precision) == 200
    assert found.coverage[-1] == 1.0


def test_reliability_bins_hold_every_ticket(evaluated):
    bins = reliability(evaluated(random_answers(400, seed=4)))
    assert len(bins) == 15
    assert sum(b.tickets for b in bins) == 400


def test_confusions_by_hand(evaluated):
    found = confusions(evaluated(TEN))
    assert [(row.right, row.answered, row.tickets, row.kind) for row in found] == [
        ("东湖区城管局", "西河区城管局", 2, MissKind.PLACE),
        ("西河区城管局", "东湖区城管局", 1, MissKind.PLACE),
        ("山海市水务集团", "东湖区城管局", 1, MissKind.BOTH),
    ]
    assert (found[0].share, found[0].back) == (0.5, 1)


def test_misses_are_counted_by_kind(evaluated):
    assert kinds_of_misses(evaluated(TEN)) == {
        MissKind.PLACE: 3,
        MissKind.FAMILY: 0,
        MissKind.BOTH: 1,
        MissKind.UNKNOWN: 1,
    }
