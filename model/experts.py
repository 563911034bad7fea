"""The two experts side by side: the encoder with the catalog head, and the lexical expert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.combination import ENCODER, LEXICAL
from model.head import CatalogHead
from model.inputs import ModelInput
from model.lexical import LexicalExpert
from model.place_evidence import PlaceEvidence
from model.runtime import EncoderRuntime

FloatArray = NDArray[np.float32]


class Experts:
    """Gives each expert's logits over the units of a layout."""

    names = (ENCODER, LEXICAL)

    def __init__(
        self, runtime: EncoderRuntime, head: CatalogHead, places: PlaceEvidence, lexical: LexicalExpert
    ) -> None:
        self.runtime = runtime
        self.head = head
        self.places = places
        self.lexical = lexical

    def logits(self, inputs: Sequence[ModelInput]) -> list[FloatArray]:
        """Return one array [N, U] an expert, in the order of `names`."""
        return [self.encoder_logits(inputs), self.lexical.decision([item.text for item in inputs])]

    def encoder_logits(self, inputs: Sequence[ModelInput]) -> FloatArray:
        """Return the catalog head's logits [N, U]."""
        vectors = self.runtime.encode(self.runtime.tokenize([item.text for item in inputs]))
        evidence = np.stack([self.places.features(item) for item in inputs])
        return self.head.logits(vectors, evidence)
