"""What a unit that ended leaves to those that took over from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.catalog.entries import Department
from data.catalog.lineage import heirs_of


class Succession:
    """Moves probability from closed units to their heirs, in the order of the given units."""

    def __init__(self, units: Sequence[Department]) -> None:
        row = {unit.code: index for index, unit in enumerate(units)}
        heirs = {code: found for code, found in heirs_of(units).items() if code in row}
        ordered: list[str] = []

        def visit(code: str) -> None:
            if code in seen:
                return
            seen.add(code)
            for heir in heirs.get(code, ()):
                visit(heir)
            ordered.append(code)

        seen: set[str] = set()
        for code in heirs:
            visit(code)
        # Predecessors come before their heirs, so that what they leave goes all the way down a line.
        self._lines = [
            (row[code], [row[heir] for heir in heirs[code]]) for code in reversed(ordered) if code in heirs
        ]

    def __bool__(self) -> bool:
        return bool(self._lines)

    def apply(self, scores: NDArray[np.float32], closed: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return probabilities [N, U] where closed units [N, U] have none and their heirs have theirs.

        Several heirs share equally. What nobody inherits goes to all in proportion.
        """
        moved = scores.astype(np.float64)
        for row, heirs in self._lines:
            left = np.where(closed[:, row], moved[:, row], 0.0)
            for heir in heirs:
                moved[:, heir] += left / len(heirs)
            moved[:, row] -= left
        moved[closed] = 0.0
        moved /= np.maximum(moved.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return moved.astype(np.float32)
