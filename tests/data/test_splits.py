from __future__ import annotations

from datetime import date, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.splits import duplicate_groups, last_share, split_by_time

APRIL, MAY = datetime(2018, 4, 30, 23, 59), datetime(2018, 5, 1)
UNTIL = date(2018, 4, 30)

ROWS = st.lists(
    st.tuples(st.none() | st.datetimes(datetime(2018, 4, 1), datetime(2018, 5, 31)), st.integers(0, 8)),
    max_size=40,
)


def test_duplicates_differ_in_digits_punctuation_case_and_script_only() -> None:
    groups = duplicate_groups(["路灯坏了3天，A栋", "路燈壞了10天!a栋", "路灯坏了", "路灯坏了"])
    assert groups.tolist() == [0, 0, 1, 1]


def test_texts_without_letters_are_no_duplicates_of_each_other() -> None:
    assert len(set(duplicate_groups(["12345", "110", "!"]).tolist())) == 3


def test_the_day_itself_belongs_to_the_earlier_side() -> None:
    earlier, later = split_by_time([APRIL, MAY], np.array([0, 1]), UNTIL)
    assert (earlier.tolist(), later.tolist()) == ([0], [1])


def test_a_group_goes_where_its_first_ticket_lies() -> None:
    earlier, later = split_by_time([MAY, APRIL, MAY], np.array([0, 0, 1]), UNTIL)
    assert (earlier.tolist(), later.tolist()) == ([0, 1], [2])


def test_undated_tickets_count_as_earlier() -> None:
    earlier, later = split_by_time([None, MAY], np.array([0, 1]), UNTIL)
    assert (earlier.tolist(), later.tolist()) == ([0], [1])


def test_last_share_takes_the_latest() -> None:
    days = [datetime(2018, 5, day) for day in (4, 1, 3, 2)]
    rest, last = last_share([*days, None], np.arange(5), 0.4)
    assert (rest.tolist(), last.tolist()) == ([1, 3, 4], [0, 2])


@given(ROWS, st.floats(0, 1))
def test_both_splits_lose_no_row_and_part_no_group(
    rows: list[tuple[datetime | None, int]], share: float
) -> None:
    dates = [moment for moment, _ in rows]
    groups = np.array([group for _, group in rows], dtype=np.int64)
    for first, second in (split_by_time(dates, groups, UNTIL), last_share(dates, groups, share)):
        assert sorted([*first, *second]) == list(range(len(rows)))
        assert not set(groups[first]) & set(groups[second])


@given(ROWS)
def test_no_row_of_the_later_side_lies_before_the_cut(rows: list[tuple[datetime | None, int]]) -> None:
    dates = [moment for moment, _ in rows]
    _, later = split_by_time(dates, np.array([group for _, group in rows], dtype=np.int64), UNTIL)
    for row in later:
        moment = dates[row]
        assert moment is not None
        assert moment.date() > UNTIL
