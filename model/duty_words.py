"""Units that no ticket was seen of, as the lexical expert scores them: by the words of their duty text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.lexical_features import FloatArray, IntArray, LexicalFeatures, Reading

_STRENGTH = 18.0
_BORDER = -0.5
"""A text that shares nothing with the duty text lies this far from the unit's border.

Both were found on Haikou's tickets before May 2018, with a fifth of the known families at a time taken for
new ones: the most that they gained where others lost about half a point. Margins of a linear SVM mean
the same in every city: 1 is where a training text of the unit lies.
"""


@dataclass(frozen=True, slots=True, eq=False)
class DutyWords:
    """Columns for `units`, int64 [K]: `weights` float32 [features, K]."""

    units: IntArray
    weights: FloatArray

    @classmethod
    def none(cls, n_features: int) -> DutyWords:
        """Return what an expert has whose units were all in its training."""
        return cls(np.empty(0, dtype=np.int64), np.empty((n_features, 0), dtype=np.float32))

    @classmethod
    def read(cls, features: LexicalFeatures, duties: Mapping[int, str]) -> DutyWords:
        """Read duty texts as the model reads tickets; `duties` names them by the number of their unit."""
        units = np.array(sorted(duties), dtype=np.int64)
        weights = np.zeros((len(features), len(units)), dtype=np.float32)
        for column, unit in enumerate(units.tolist()):
            ids, values = features.row(duties[unit])
            weights[ids, column] = _STRENGTH * values
        return cls(units, weights)

    def margins(self, reading: Reading) -> FloatArray:
        """Return the margins float32 [K] of a text."""
        margins: FloatArray = reading.values @ self.weights[reading.ids] + np.float32(_BORDER)
        return margins

    def of(self, unit: int, reading: Reading) -> FloatArray | None:
        """Return what each term of a text weighs for a unit, or None if it is none of these."""
        column = np.flatnonzero(self.units == unit)
        return self.weights[reading.ids, column[0]] if len(column) else None
