"""Near-duplicates of a file: which cross a split by time, and which carry labels that contradict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from data.splits import last_share, split_by_time

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Near-duplicates by their places among the rows, earliest row first."""

    places: IntArray
    crosses: bool
    """It has tickets on both sides of the split by day."""
    contradicts: bool
    """Its tickets went to different units."""


@dataclass(frozen=True, slots=True)
class DuplicateCheck:
    """`group` int64 [N] gives each ticket the place of its group's first; `earlier` and `later` the sides.

    A group goes to the side of its first ticket as a whole, so no text of the later side was seen before.
    `late` bool [N] tells which tickets lie after the split by their own day.
    """

    group: IntArray
    units: NDArray[np.int32]
    late: NDArray[np.bool_]
    earlier: IntArray
    later: IntArray

    def groups(self) -> Iterator[DuplicateGroup]:
        """Yield every group of two tickets or more, in the order of their first rows."""
        order = np.argsort(self.group, kind="stable")
        edges = np.flatnonzero(np.diff(self.group[order])) + 1
        for places in np.split(order, edges):
            if len(places) > 1:
                sides, units = self.late[places], self.units[places]
                known = units[units >= 0]
                yield DuplicateGroup(
                    places,
                    crosses=bool(sides.any() and not sides.all()),
                    contradicts=len(known) > 1 and bool((known != known[0]).any()),
                )


def check_duplicates(
    group: IntArray,
    units: NDArray[np.int32],
    moments: NDArray[np.datetime64],
    *,
    until: date | None,
    share: float,
) -> DuplicateCheck:
    """Split by a day, or cut off the latest share, with groups kept together."""
    dates: list[datetime | None] = moments.astype(datetime).tolist()
    if until is not None:
        earlier, later = split_by_time(dates, group, until)
        late = moments.astype("datetime64[D]") > np.datetime64(until)
    else:
        alone = np.arange(len(group), dtype=np.int64)
        earlier, later = last_share(dates, group, share)
        late = np.zeros(len(group), dtype=np.bool_)
        late[last_share(dates, alone, share)[1]] = True
    return DuplicateCheck(group, units, late, earlier, later)
