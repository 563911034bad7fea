"""The two experts side by side: the encoder with the catalog head, and the lexical expert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.combination import ENCODER, LEXICAL
from model.head import CatalogHead
from model.inputs import ModelInput
from model.jurisdiction import PlaceReading
from model.lexical import LexicalExpert
from model.lexical_features import Reading
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

    def logits(self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading]) -> list[FloatArray]:
        """Return one array [N, U] an expert, in the order of `names`.

        `places` are what the place resolver read of each ticket.
        """
        return [self.encoder_logits(inputs, places), self.lexical.margins(self.read_words(inputs))]

    def encoder_logits(self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading]) -> FloatArray:
        """Return the logits [N, U] of the encoder with the catalog head."""
        vectors = self.runtime.encode(self.runtime.tokenize([item.text for item in inputs]))
        return self.head.logits(vectors, np.stack([self.places.from_reading(place) for place in places]))

    def read_places(self, inputs: Sequence[ModelInput]) -> list[PlaceReading]:
        """Return what the place resolver reads of each ticket."""
        return [self.places.resolver.read(item.ticket, item.normalised) for item in inputs]

    def read_words(self, inputs: Sequence[ModelInput]) -> list[Reading]:
        """Return what the lexical expert reads of each ticket."""
        return [self.lexical.read(item.text) for item in inputs]
