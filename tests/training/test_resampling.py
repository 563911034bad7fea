import math

import numpy as np
import pytest

from training.resampling import bootstrap_interval, paired_bootstrap


def test_bootstrap_interval_of_a_mean_is_that_of_the_normal_law():
    right = np.arange(400) % 2 == 0
    interval = bootstrap_interval(lambda rows: float(right[rows].mean()), 400)
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)


def test_bootstrap_interval_of_no_tickets():
    assert math.isnan(bootstrap_interval(lambda _: 0.0, 0).low)


def test_paired_bootstrap_sees_a_small_but_steady_gain():
    second = np.arange(1000) % 2 == 0
    first = second.copy()
    first[1:80:2] = True  # 40 more right, none lost
    comparison = paired_bootstrap(first, second)
    assert comparison.difference == pytest.approx(0.04)
    assert comparison.interval.low > 0.02
    assert comparison.p_value == 0.0


def test_paired_bootstrap_doubts_a_gain_that_may_be_luck():
    first, second = np.zeros((2, 200), dtype=bool)
    first[:21], second[20:40] = True, True  # 20 apart each way, one more for the first
    comparison = paired_bootstrap(first, second)
    assert comparison.interval.low < 0 < comparison.interval.high
    assert comparison.p_value > 0.2


def test_a_system_is_not_better_than_itself():
    right = np.array([True, False, True])
    comparison = paired_bootstrap(right, right)
    assert (comparison.difference, comparison.p_value) == (0.0, 1.0)


def test_paired_bootstrap_repeats_with_its_seed():
    first, second = np.random.default_rng(0).integers(0, 2, size=(2, 100)).astype(bool)
    assert paired_bootstrap(first, second, seed=5) == paired_bootstrap(first, second, seed=5)


def test_paired_bootstrap_needs_the_same_tickets():
    with pytest.raises(ValueError, match="2 and 3 tickets"):
        paired_bootstrap(np.zeros(2, dtype=bool), np.zeros(3, dtype=bool))


def test_paired_bootstrap_of_no_tickets():
    empty = np.empty(0, dtype=bool)
    assert math.isnan(paired_bootstrap(empty, empty).difference)
