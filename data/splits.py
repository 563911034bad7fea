"""Splits of past tickets: by time, with duplicates of one text kept on one side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

_NOT_SAID = re.compile(r"[^㐀-鿿A-Za-z]")


def duplicate_groups(texts: Sequence[str]) -> IntArray:
    """Return int64 [N]: one number for all texts that are equal but for digits, punctuation and case."""
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(_NOT_SAID.sub("", text).lower() or text, len(numbers)) for text in texts], dtype=np.int64
    )


def split_by_time(dates: Sequence[datetime | None], groups: IntArray, until: date) -> tuple[IntArray, IntArray]:
    """Return the rows up to and including a day, and the later ones, both in the order given.

    A group goes as a whole to the side of its first ticket, so that no later text was seen before.
    Tickets without a date count as earlier.
    """
    late = np.array([day is not None and day.date() > until for day in dates], dtype=bool)
    return _sides(late, groups)


def last_share(dates: Sequence[datetime | None], groups: IntArray, share: float) -> tuple[IntArray, IntArray]:
    """Return the earlier rows and the latest `share` of the rows; groups as in `split_by_time`."""
    order = sorted(range(len(dates)), key=lambda row: (dates[row] or datetime.min, row))
    late = np.zeros(len(dates), dtype=bool)
    late[order[len(order) - round(len(order) * share) :]] = True
    return _sides(late, groups)


def _sides(late: NDArray[np.bool_], groups: IntArray) -> tuple[IntArray, IntArray]:
    late = late & ~np.isin(groups, groups[~late])
    return np.flatnonzero(~late), np.flatnonzero(late)
