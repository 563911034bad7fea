"""A trained artifact with another catalog: nothing is trained, and what was learned stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.folder import load_catalog, save_catalog
from data.tickets.ticket import Ticket
from model import artifact
from model.head import HeadWeights
from model.inputs import model_input
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.runtime import EncoderRuntime

_NO_SCORE_OF_ITS_OWN = -1e4
"""Bias of a unit that has only what its predecessors leave it."""


def apply_catalog(source: Path, new: Catalog, output: Path) -> None:
    """Write a copy of an artifact that dispatches by another catalog.

    Raises:
        ArtifactError: the source is not whole.
    """
    manifest = artifact.read_manifest(source)
    old = load_catalog(source / artifact.CATALOG)
    before, after = UnitLayout.load(source / artifact.LAYOUT), UnitLayout.from_catalog(new)
    runtime = EncoderRuntime.load(
        source / artifact.ENCODER,
        source / artifact.TOKENIZER,
        max_tokens=manifest.encoder["max_tokens"],
        pad_id=manifest.encoder["pad_id"],
    )
    weights = HeadWeights.load(source / artifact.HEAD)
    lexical = LexicalExpert.load(source / artifact.LEXICAL)
    rebuilt = _Rebuilding(old, new, before, after)
    with artifact.changed_copy(source, output, applied_to_model=manifest.model_version) as folder:
        shutil.rmtree(folder / artifact.CATALOG)
        save_catalog(new, folder / artifact.CATALOG)
        if (before.units, before.families) != (after.units, after.families) or not np.array_equal(
            before.jurisdiction_of, after.jurisdiction_of
        ):
            # It was measured with the old units: new ones may be what the encoder alone knows of.
            (folder / artifact.CASCADE).unlink(missing_ok=True)
            after.save(folder / artifact.LAYOUT)
            rebuilt.head(weights, runtime).save(folder / artifact.HEAD)
            lexical.with_units(*rebuilt.lexical()).save(folder / artifact.LEXICAL)


class _Rebuilding:
    """Finds for each row of a new layout the rows of the old one that it comes from."""

    def __init__(self, old: Catalog, new: Catalog, before: UnitLayout, after: UnitLayout) -> None:
        self._new, self._before, self._after = new, before, after
        known = {name: row for row, name in enumerate(before.families)}
        self._family = [
            next((known[n] for n in (name, *new.families[name].aliases) if n in known), None)
            for name in after.families
        ]
        units = {code: row for row, code in enumerate(before.units)}
        self._own: list[int | None] = []
        self._sources: list[list[int]] = []
        self._heir: list[bool] = []
        for row, code in enumerate(after.units):
            unit = new.departments[code]
            family = self._family[after.family_of[row]]
            own = units.get(code)
            if own is not None and before.family_of[own] != family:
                own = None  # it does something else now: what was learned of it no longer holds
            left = [units[item] for item in unit.predecessors if item in units] if own is None else []
            sisters = np.flatnonzero(before.family_of == family).tolist() if family is not None else []
            self._own.append(own)
            self._heir.append(bool(left))
            self._sources.append([own] if own is not None else left or sisters)

    def head(self, weights: HeadWeights, runtime: EncoderRuntime) -> HeadWeights:
        size = weights.duty.shape[1]
        duty = np.zeros((len(self._after.families), size), dtype=np.float32)
        duty_text = np.zeros_like(duty)
        for row, name in enumerate(self._after.families):
            source = self._family[row]
            if source is not None:
                duty[row], duty_text[row] = weights.duty[source], weights.duty_text[source]
            else:
                text = model_input(Ticket("", self._new.families[name].duty or name)).text
                duty_text[row] = runtime.encode(runtime.tokenize([text]))[0]
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
                bias[row] = weights.bias[sources].mean() if sources else weights.bias.mean()
        return HeadWeights(
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

    def lexical(self) -> tuple[list[list[int]], NDArray[np.bool_]]:
        everyone = list(range(len(self._before.units)))
        return [sources or everyone for sources in self._sources], np.array(self._heir, dtype=bool)
