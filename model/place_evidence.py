"""What the resolver found, as numbers for the catalog head: one row an area, one column a kind of sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from data.gazetteer.gazetteer import Gazetteer
from model.decision import PlaceStatus
from model.inputs import ModelInput
from model.jurisdiction import PlaceReading, PlaceResolver
from model.place_names import LearnedPlaces

FloatArray = NDArray[np.float32]

FEATURES: tuple[str, ...] = (
    "named_here",  # the text, title, address or district names this area
    "descendant_named",  # ... an area inside it
    "ancestor_named",  # ... an area around it, below the city
    "posterior",  # the resolver's share of this area, all clues together
    "resolved_here",  # the settled answer is this area
    "resolved_within",  # the settled answer lies inside it
    "conflict",  # the settled answer lies in a sister of this area
    "learned_here",  # learned names alone point to this area
    "learned_within",  # ... to an area inside it
    "caller_stated",  # the caller's address or district names this area or one inside it
    "no_evidence_city",  # this is the city, and nothing was found
)
"""The columns of the evidence matrix; every value lies in [0, 1]."""

(
    _NAMED,
    _BELOW,
    _ABOVE,
    _POSTERIOR,
    _HERE,
    _WITHIN,
    _CONFLICT,
    _LEARNED,
    _LEARNED_WITHIN,
    _STATED,
    _NOTHING,
) = range(len(FEATURES))


class PlaceEvidence:
    """Turns tickets into evidence for the areas `codes` that a catalog's units have, in that order."""

    def __init__(self, resolver: PlaceResolver, codes: Sequence[str]) -> None:
        self.resolver = resolver
        self.codes = tuple(codes)
        gazetteer = resolver.gazetteer
        self._city = gazetteer.city.code
        self._row = {code: row for row, code in enumerate(self.codes)}
        chains = {area.code: [a.code for a in gazetteer.path(area.code)] for area in gazetteer}
        self._up = {
            code: [self._row[above] for above in chain[1:-1] if above in self._row]
            for code, chain in chains.items()
        }
        self._down: dict[str, list[int]] = {}
        self._sisters: dict[str, list[int]] = {}
        for code in self.codes:
            chain = chains.get(code, [code])
            for above in chain[1:-1]:
                self._down.setdefault(above, []).append(self._row[code])
            if len(chain) > 1:
                self._sisters.setdefault(chain[-2], []).append(self._row[code])
        self._chain = chains

    def features(self, item: ModelInput) -> FloatArray:
        """Return the evidence of one ticket, float32 [len(codes), len(FEATURES)], each value in [0, 1]."""
        return self.from_reading(self.resolver.read(item.ticket, item.normalised))

    def from_reading(self, reading: PlaceReading) -> FloatArray:
        """Return the evidence of what the resolver read of a ticket."""
        matrix = np.zeros((len(self.codes), len(FEATURES)), dtype=np.float32)
        for cell, value in self._cells(reading).items():
            matrix.flat[cell] = value
        return matrix

    def matrix(self, items: Iterable[ModelInput]) -> csr_matrix:
        """Return the evidence of many tickets, sparse float32 [n, len(codes) * len(FEATURES)], row-major."""
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for item in items:
            cells = self._cells(self.resolver.read(item.ticket, item.normalised))
            for cell in sorted(cells):
                columns.append(cell)
                values.append(cells[cell])
            starts.append(len(columns))
        return csr_matrix(
            (
                np.array(values, dtype=np.float32),
                np.array(columns, dtype=np.int32),
                np.array(starts, dtype=np.int32),
            ),
            shape=(len(starts) - 1, len(self.codes) * len(FEATURES)),
        )

    def _cells(self, reading: PlaceReading) -> dict[int, float]:
        """Return the values that are not zero by their place in the flat matrix; of several the largest."""
        width = len(FEATURES)
        cells: dict[int, float] = {}
        for entries in (self._clues(reading), self._answer(reading)):
            for row, column, value in entries:
                cell = row * width + column
                if value > cells.get(cell, 0.0):
                    cells[cell] = value
        return cells

    def _clues(self, reading: PlaceReading) -> Iterator[tuple[int, int, float]]:
        row = self._row
        for clue in reading.clues:
            here, below = (_NAMED, _BELOW) if clue.explicit else (_LEARNED, _LEARNED_WITHIN)
            parts = len(clue.beliefs) if clue.explicit else 1
            for code, belief in clue.beliefs.items():
                part = belief / parts
                if code in row:
                    yield row[code], here, part
                for at in self._up[code]:
                    yield at, below, part
                if clue.explicit:
                    for at in self._down.get(code, ()):
                        yield at, _ABOVE, part
                if clue.field:
                    for at in (*self._up[code], *((row[code],) if code in row else ())):
                        yield at, _STATED, part
        for code, share in reading.posterior.items():
            if code in row:
                yield row[code], _POSTERIOR, share

    def _answer(self, reading: PlaceReading) -> Iterator[tuple[int, int, float]]:
        placed = reading.placed
        if placed.status is PlaceStatus.MISSING and self._city in self._row:
            yield self._row[self._city], _NOTHING, 1.0
        if placed.jurisdiction is None:
            return
        code = placed.jurisdiction.code
        score = reading.posterior.get(code, placed.score)
        if code in self._row:
            yield self._row[code], _HERE, score
        for at in self._up[code]:
            yield at, _WITHIN, score
        chain = self._chain[code]
        for parent, child in pairwise(chain):
            for at in self._sisters.get(parent, ()):
                if self.codes[at] != child:
                    yield at, _CONFLICT, score


def out_of_fold_evidence(
    items: Sequence[ModelInput],
    jurisdictions: Sequence[str | None],
    gazetteer: Gazetteer,
    codes: Sequence[str],
    *,
    groups: Sequence[object] | None = None,
    folds: int = 5,
) -> csr_matrix:
    """Return the evidence of tickets that names are learned from, each by names learned without it.

    Shape and order as `PlaceEvidence.matrix`. Reports of one group fall into one fold. Without this a model
    would trust learned names far more than it may on tickets to come.
    """
    if folds < 2:
        raise ValueError(f"folds must be 2 or more, got {folds}")
    fold_of = _folds(len(items), groups, folds)
    parts: list[csr_matrix] = []
    order: list[int] = []
    for fold in range(folds):
        held = [i for i in range(len(items)) if fold_of[i] == fold]
        rest = [i for i in range(len(items)) if fold_of[i] != fold]
        learned = LearnedPlaces.fit(
            [items[i].normalised.text for i in rest],
            [jurisdictions[i] for i in rest],
            gazetteer,
            groups=[groups[i] for i in rest] if groups is not None else None,
        )
        parts.append(PlaceEvidence(PlaceResolver(gazetteer, learned), codes).matrix(items[i] for i in held))
        order += held
    stacked = vstack(parts, format="csr")
    return csr_matrix(stacked[np.argsort(order)])


def _folds(count: int, groups: Sequence[object] | None, folds: int) -> list[int]:
    """Deal tickets, or whole groups of them, round the folds in their order."""
    if groups is None:
        return [index % folds for index in range(count)]
    number: dict[object, int] = {}
    return [number.setdefault(group, len(number)) % folds for group in groups]
