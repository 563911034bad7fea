import pytest

from model.intervals import wilson_interval


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # Brown, Cai and DasGupta (2001)
        (81, 263, 0.2553, 0.3662),  # Newcombe (1998), table I
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_of_known_cases(right, total, low, high):
    interval = wilson_interval(right, total)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_wilson_interval_stays_within_0_and_1():
    assert wilson_interval(0, 5).low == 0.0
    assert wilson_interval(5, 5).high == 1.0


def test_wilson_interval_of_nothing_is_everything():
    interval = wilson_interval(0, 0)
    assert (interval.low, interval.high) == (0.0, 1.0)


@pytest.mark.parametrize(("right", "total"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(right, total):
    with pytest.raises(ValueError):
        wilson_interval(right, total)
