"""Remember which texts came by, in eight bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np

_RECENT = 1 << 17


class Seen:
    """A set of texts that can only be added to, kept as 64-bit hashes.

    Two different texts of a million are taken for the same with a probability below one in ten million.
    A Python set would take ten times the memory.
    """

    def __init__(self) -> None:
        self._settled = array("q")
        self._recent: set[int] = set()

    def add(self, text: str) -> bool:
        """Add a text; return whether it is new."""
        key = hash(text)
        if key in self._recent:
            return False
        place = bisect_left(self._settled, key)
        if place < len(self._settled) and self._settled[place] == key:
            return False
        self._recent.add(key)
        if len(self._recent) >= _RECENT:
            self._settle()
        return True

    def _settle(self) -> None:
        recent = np.fromiter(self._recent, np.int64, len(self._recent))
        merged = np.concatenate([np.frombuffer(self._settled, np.int64), recent])
        merged.sort()
        self._settled = array("q", merged.tobytes())
        self._recent.clear()
