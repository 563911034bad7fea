"""What the resolver found, as numbers for the catalog head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.gazetteer.jurisdiction import JurisdictionLevel
from model.inputs import ModelInput
from model.jurisdiction import PlaceReading, PlaceResolver

FEATURES = (
    "mentioned",  # chance that names in the text give the area, or one inside it
    "learned",  # the same of names learned from past tickets
    "caller",  # the same of the caller's district and address
    "settled_here",  # the resolver's answer is this area
    "settled_within",  # ... lies inside this area
    "settled_around",  # ... is an area that this one lies in
    "settled_elsewhere",  # ... is none of these
    "nowhere",  # nothing was found (says something of city-wide units only)
)
FloatArray = NDArray[np.float32]


class PlaceEvidence:
    """Makes the evidence matrix over the areas that units have."""

    def __init__(self, resolver: PlaceResolver, codes: Sequence[str]) -> None:
        """Take the areas' codes, in the order of the rows."""
        self.resolver = resolver
        self.codes = tuple(codes)
        gazetteer = resolver.gazetteer
        self._row = {code: row for row, code in enumerate(self.codes)}
        self._above = {area.code: tuple(step.code for step in gazetteer.path(area.code)) for area in gazetteer}
        self._inside = {
            code: [row for row, other in enumerate(self.codes) if other != code and gazetteer.is_within(other, code)]
            for code in self._above
            if gazetteer[code].level is not JurisdictionLevel.COMMUNITY
        }
        self._city_row = self._row.get(gazetteer.city.code)

    def features(self, item: ModelInput) -> FloatArray:
        """Return the evidence float32 [areas, FEATURES] of a ticket, each value in [0, 1]."""
        return self.from_reading(self.resolver.read(item.ticket, item.normalised))

    def from_reading(self, reading: PlaceReading) -> FloatArray:
        """Return the evidence of a reading."""
        matrix = np.zeros((len(self.codes), len(FEATURES)), dtype=np.float32)
        for column, chances in enumerate((reading.mentioned, reading.learned, reading.caller)):
            for code, chance in chances.items():
                if code in self._row:
                    matrix[self._row[code], column] = chance
        settled = reading.placed.jurisdiction
        if settled is None:
            if not reading.chance:
                matrix[:, 7] = 1.0
            return matrix
        score = reading.placed.score
        matrix[:, 6] = score
        *above, here = self._above[settled.code]
        for column, rows in (
            (3, [self._row[here]] if here in self._row else []),
            (4, [self._row[code] for code in above if code in self._row]),
            (5, self._inside.get(here, [])),
        ):
            matrix[rows, column] = score
            matrix[rows, 6] = 0.0
        if self._city_row is not None:
            matrix[self._city_row, 6] = 0.0
        return matrix
