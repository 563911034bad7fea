import math

import numpy as np
import pytest

from training.metrics import (
    calibration_error_interval,
    coverage_at_precision,
    expected_calibration_error,
    reliability_table,
    risk_coverage_curve,
)

CONFIDENCE = np.array([0.9, 0.8, 0.6, 0.4])
RIGHT = np.array([True, True, False, True])
NONE = np.empty(0), np.empty(0, dtype=bool)


def test_reliability_table_by_hand():
    low, high = reliability_table(CONFIDENCE, RIGHT, bins=2)
    assert (low.tickets, low.lowest, low.highest, low.accuracy) == (2, 0.4, 0.6, 0.5)
    assert low.mean_confidence == pytest.approx(0.5)
    assert (high.tickets, high.lowest, high.highest, high.accuracy) == (2, 0.8, 0.9, 1.0)


def test_bins_hold_equally_many_tickets():
    confidence = np.concatenate([np.linspace(0.0, 0.1, 90), np.linspace(0.9, 1.0, 10)])
    table = reliability_table(confidence, np.ones(100, dtype=bool), bins=15)
    assert sorted({row.tickets for row in table}) == [6, 7]
    assert len(table) == 15


def test_fewer_tickets_than_bins():
    assert [row.tickets for row in reliability_table(CONFIDENCE, RIGHT, bins=15)] == [1, 1, 1, 1]


def test_the_order_of_tickets_of_one_confidence_does_not_matter():
    confidence = np.full(10, 0.5)
    first = np.array([True] * 5 + [False] * 5)
    assert expected_calibration_error(confidence, first, bins=2) == pytest.approx(0.0)
    assert expected_calibration_error(confidence, first[::-1], bins=2) == pytest.approx(0.0)


def test_expected_calibration_error_by_hand():
    # bins {0.4, 0.6}: |0.5 - 0.5| = 0; {0.8, 0.9}: |0.85 - 1| = 0.15
    assert expected_calibration_error(CONFIDENCE, RIGHT, bins=2) == pytest.approx(0.075)


def test_overconfidence_shows_in_full():
    assert expected_calibration_error(np.full(50, 0.99), np.zeros(50, dtype=bool)) == pytest.approx(0.99)


def test_calibrated_scores_show_little_error():
    generator = np.random.default_rng(3)
    confidence = generator.uniform(size=20_000)
    right = generator.uniform(size=20_000) < confidence
    assert expected_calibration_error(confidence, right) < 0.015


def test_calibration_of_no_tickets():
    assert reliability_table(*NONE) == []
    assert math.isnan(expected_calibration_error(*NONE))
    assert math.isnan(calibration_error_interval(*NONE).low)


def test_calibration_interval_holds_the_error_and_repeats():
    generator = np.random.default_rng(4)
    confidence = generator.uniform(size=500)
    right = generator.uniform(size=500) < confidence**2
    interval = calibration_error_interval(confidence, right)
    assert interval.low < expected_calibration_error(confidence, right) < interval.high
    assert interval == calibration_error_interval(confidence, right)
    assert interval != calibration_error_interval(confidence, right, seed=1)


def test_risk_coverage_curve_by_hand():
    coverage, risk = risk_coverage_curve(CONFIDENCE, RIGHT)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_tickets_of_one_confidence_are_one_point():
    coverage, risk = risk_coverage_curve(np.array([0.5, 0.9, 0.5]), np.array([True, True, False]))
    assert coverage.tolist() == pytest.approx([1 / 3, 1.0])
    assert risk.tolist() == pytest.approx([0, 1 / 3])


def test_risk_coverage_curve_of_no_tickets_has_no_points():
    coverage, risk = risk_coverage_curve(*NONE)
    assert (len(coverage), len(risk)) == (0, 0)


@pytest.mark.parametrize(("precision", "coverage"), [(1.0, 0.5), (0.95, 0.5), (0.75, 1.0), (0.5, 1.0)])
def test_coverage_at_precision(precision, coverage):
    assert coverage_at_precision(CONFIDENCE, RIGHT, precision) == coverage


def test_a_wrong_first_ticket_can_be_made_good_by_later_ones():
    confidence = np.linspace(1.0, 0.5, 20)
    right = np.array([False] + [True] * 19)
    assert coverage_at_precision(confidence, right, 0.95) == 1.0


def test_a_threshold_cannot_part_tickets_of_one_confidence():
    assert coverage_at_precision(np.array([0.9, 0.9]), np.array([True, False]), 0.95) == 0.0


def test_coverage_is_nothing_when_all_are_wrong():
    assert coverage_at_precision(CONFIDENCE, np.zeros(4, dtype=bool), 0.95) == 0.0


def test_coverage_of_no_tickets_is_not_a_number():
    assert math.isnan(coverage_at_precision(*NONE, 0.95))


@pytest.mark.parametrize(
    ("confidence", "right"),
    [
        (np.array([0.5]), np.array([True, False])),
        (np.array([np.nan]), np.array([True])),
        (np.array([0.5]), np.array([1])),
    ],
    ids=["lengths differ", "nan", "labels instead of outcomes"],
)
def test_confidences_that_make_no_sense_are_refused(confidence, right):
    with pytest.raises(ValueError):
        risk_coverage_curve(confidence, right)
