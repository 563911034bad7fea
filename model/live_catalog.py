"""A trained artifact with another catalog: nothing is trained, and what was learned stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.folder import save_catalog
from data.tickets.ticket import Ticket
from model import artifact
from model.head import HeadWeights
from model.inputs import model_input
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.lexical_features import IntArray

_NO_SCORE_OF_ITS_OWN = -1e4
"""Bias of a unit that has only what its predecessors leave it."""

_FEW_TEXTS = 30
"""A family with fewer training texts teaches a new unit too little: its duty text says more."""


def apply_catalog(source: Path, new: Catalog, output: Path) -> None:
    """Write a copy of an artifact that dispatches by another catalog.

    Raises:
        ArtifactError: the source is not whole.
    """
    manifest = artifact.read_manifest(source)
    before, after = UnitLayout.load(source / artifact.LAYOUT), UnitLayout.from_catalog(new)
    weights = HeadWeights.load(source / artifact.HEAD)
    lexical = LexicalExpert.load(source / artifact.LEXICAL)
    rebuilt = _Rebuilding(new, before, after, lexical)
    with artifact.changed_copy(source, output, applied_to_model=manifest.model_version) as folder:
        shutil.rmtree(folder / artifact.CATALOG)
        save_catalog(new, folder / artifact.CATALOG)
        # Units known by their duty text may have got another text.
        if (
            len(lexical.duty_words.units)
            or (before.units, before.families) != (after.units, after.families)
            or not np.array_equal(before.jurisdiction_of, after.jurisdiction_of)
        ):
            # It was measured with the old units: new ones were not among them.
            (folder / artifact.CASCADE).unlink(missing_ok=True)
            after.save(folder / artifact.LAYOUT)
            rebuilt.head(weights).save(folder / artifact.HEAD)
            lexical.with_units(*rebuilt.lexical()).save(folder / artifact.LEXICAL)


class _Rebuilding:
    """Finds for each row of a new layout the rows of the old one that it comes from."""

    def __init__(self, new: Catalog, before: UnitLayout, after: UnitLayout, lexical: LexicalExpert) -> None:
        """Compare two layouts; `lexical` knows how much was seen of the units of the old one."""
        self._new, self._before, self._after = new, before, after
        self._by_duty, self._texts = lexical.duty_words.units, lexical.texts
        families = {name: row for row, name in enumerate(before.families)}
        self._family = [
            next((families[n] for n in (name, *new.families[name].aliases) if n in families), None)
            for name in after.families
        ]
        units = {code: row for row, code in enumerate(before.units)}
        self._own: list[int | None] = []
        self._sources: list[list[int]] = []
        self._heir: list[bool] = []
        self._stranger: list[bool] = []  # new, and known by its duty text rather than by sisters
        for row, code in enumerate(after.units):
            unit = new.departments[code]
            family = self._family[after.family_of[row]]
            own = units.get(code)
            if own is not None and before.family_of[own] != family:
                own = None  # it does something else now: what was learned of it no longer holds
            left = [units[item] for item in unit.predecessors if item in units] if own is None else []
            # A sister that no text was seen of has nothing to teach.
            sisters = np.flatnonzero((before.family_of == family) & (self._texts > 0))
            known = int(self._texts[sisters].sum())
            self._own.append(own)
            self._heir.append(bool(left))
            self._stranger.append(own is None and not left and known < _FEW_TEXTS)
            self._sources.append([own] if own is not None else left or sisters.tolist())

    def head(self, weights: HeadWeights) -> HeadWeights:
        size = weights.duty.shape[1]
        # A family that no ticket was seen of: what the encoder makes of its duty text misleads more than it
        # helps, so the place alone speaks. A text in the middle of all others says nothing.
        duty = np.zeros((len(self._after.families), size), dtype=np.float32)
        duty_text = np.tile(weights.duty_center, (len(duty), 1))
        for row, source in enumerate(self._family):
            if source is not None:
                duty[row], duty_text[row] = weights.duty[source], weights.duty_text[source]
        place = np.zeros((len(self._after.jurisdictions), size), dtype=np.float32)
        known = {code: row for row, code in enumerate(self._before.jurisdictions)}
        for row, code in enumerate(self._after.jurisdictions):
            if code in known:
                place[row] = weights.place[known[code]]
        residual = np.zeros((len(self._after.units), size), dtype=np.float32)
        bias = np.zeros(len(self._after.units), dtype=np.float32)
        for row, (own, sources) in enumerate(zip(self._own, self._sources, strict=True)):
            if own is not None:
                residual[row], bias[row] = weights.residual[own], weights.bias[own]
            elif self._heir[row]:
                bias[row] = _NO_SCORE_OF_ITS_OWN
            else:
                bias[row] = weights.bias.mean() if self._stranger[row] else weights.bias[sources].mean()
        rebuilt = HeadWeights(
            duty_text,
            weights.duty_center,
            weights.duty_scale,
            weights.duty_projection,
            duty,
            place,
            residual,
            bias,
            weights.evidence,
        )
        # What a few tickets taught of a family stays with the sisters that they were of.
        strangers = np.flatnonzero(self._stranger)
        residual[strangers] = -rebuilt.families()[self._after.family_of[strangers]]
        return rebuilt

    def lexical(self) -> tuple[list[list[int]], NDArray[np.bool_], dict[int, str], IntArray]:
        """Return what `LexicalExpert.with_units` takes."""
        everyone = list(range(len(self._before.units)))
        duties = {
            row: self._duty(code)
            for row, code in enumerate(self._after.units)
            if self._stranger[row] or self._own[row] in self._by_duty
        }
        texts = [self._texts[own] if own is not None else 0 for own in self._own]
        return (
            [sources or everyone for sources in self._sources],
            np.array(self._heir, dtype=bool),
            duties,
            np.array(texts, dtype=np.int64),
        )

    def _duty(self, code: str) -> str:
        unit = self._new.departments[code]
        text = f"{self._new.families[unit.family].duty or unit.family}。{unit.duty}"
        return model_input(Ticket("", text)).text
