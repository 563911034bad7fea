"""Splits of past tickets: by time, with duplicates of one text kept on one side.

The same event is reported by many people, so a random split would measure memory. Near-duplicates in other
words are not found here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from data.text import normalise

IntArray = NDArray[np.int64]

_NO_LETTER = re.compile(r"[\W\d_]+")


def duplicate_groups(texts: Sequence[str]) -> IntArray:
    """Return int64 [N]: one number for all texts that are equal but for digits, punctuation and case.

    Texts are compared in normalised form. Texts without any letter are equal only if wholly so.
    """
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(_key(text), len(numbers)) for text in texts], dtype=np.int64)


def split_by_time(
    dates: Sequence[datetime | None], groups: IntArray, until: date
) -> tuple[IntArray, IntArray]:
    """Return the rows up to and including a day, and the later ones, both in the order given.

    A group goes as a whole to the side of its first ticket: no later text was seen before, and no ticket is
    lost. So the earlier side may hold a few later tickets, whose texts it holds anyhow. Tickets without a
    date count as earlier.
    """
    late = np.array([moment is not None and moment.date() > until for moment in dates], dtype=np.bool_)
    return _sides(late, groups)


def last_share(dates: Sequence[datetime | None], groups: IntArray, share: float) -> tuple[IntArray, IntArray]:
    """Return the earlier rows and the latest `share` of all rows, both in the order given.

    Groups and undated rows are treated as in `split_by_time`. `share` is in [0, 1]; the second side is
    smaller by as many rows as have an earlier duplicate. Of the same moment, rows further down are later.
    """
    order = sorted(range(len(dates)), key=lambda row: (dates[row] or datetime.min, row))
    late = np.zeros(len(dates), dtype=np.bool_)
    late[order[len(order) - round(len(order) * share) :]] = True
    return _sides(late, groups)


def _key(text: str) -> str:
    normalised = normalise(text).text
    return _NO_LETTER.sub("", normalised).casefold() or normalised


def _sides(late: NDArray[np.bool_], groups: IntArray) -> tuple[IntArray, IntArray]:
    late = late & ~np.isin(groups, groups[~late])
    return np.flatnonzero(~late), np.flatnonzero(late)
