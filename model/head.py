"""The catalog head as a serving process runs it: plain numpy over the encoder's text vector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from model.errors import ArtifactError
from model.layout import UnitLayout

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadWeights:
    """What training learned for the families, places and units of a layout.

    Shapes, with hidden size D, F families, J jurisdictions, U units, L place levels, E evidence features:
    `duty_text` [F, D] is the encoder's vector of each family's duty text; `duty_center` [D] and
    `duty_scale` [1] standardise it (text vectors of a BERT share one large common part) and
    `duty_projection` [D, D] maps it into the head; `duty` [F, D] is what the family learned beyond its
    text; `place` [J, D]; `residual` [U, D]; `bias` [U]; `evidence` [L, E].
    """

    duty_text: FloatArray
    duty_center: FloatArray
    duty_scale: FloatArray
    duty_projection: FloatArray
    duty: FloatArray
    place: FloatArray
    residual: FloatArray
    bias: FloatArray
    evidence: FloatArray

    def families(self) -> FloatArray:
        """Return what each family adds to its units' rows, [F, D]."""
        standardised = (self.duty_text - self.duty_center) / self.duty_scale
        vectors = self.duty + standardised @ self.duty_projection.T
        return vectors.astype(np.float32, copy=False)

    def save(self, path: Path) -> None:
        """Write the arrays as safetensors."""
        save_file({name: getattr(self, name) for name in self.__slots__}, path)

    @classmethod
    def load(cls, path: Path) -> HeadWeights:
        """Read the arrays; raise ArtifactError if one is missing."""
        arrays = load_file(path)
        missing = [name for name in cls.__slots__ if name not in arrays]
        if missing:
            raise ArtifactError(f"arrays missing: {', '.join(missing)}", where=path.name)
        return cls(**{name: arrays[name] for name in cls.__slots__})


class CatalogHead:
    """Scores units from a text vector and place evidence.

    logit(unit) = (duty(family) + place(jurisdiction) + residual(unit)) . h
                  + evidence(level) . e(jurisdiction) + bias(unit)
    """

    def __init__(self, layout: UnitLayout, weights: HeadWeights) -> None:
        self.layout = layout
        family = weights.families()
        self._matrix = np.ascontiguousarray(
            (family[layout.family_of] + weights.place[layout.jurisdiction_of] + weights.residual).T
        )
        self._bias = weights.bias
        self._evidence = weights.evidence

    def logits(self, hidden: FloatArray, evidence: FloatArray) -> FloatArray:
        """Return logits [N, U] from text vectors [N, D] and place evidence [N, J, E]."""
        # There are far fewer jurisdictions times levels than units.
        by_level = evidence @ self._evidence.T
        place = by_level[:, self.layout.jurisdiction_of, self.layout.level_of]
        logits: FloatArray = (hidden @ self._matrix + place + self._bias).astype(np.float32, copy=False)
        return logits
