"""The lexical expert: a linear model over words and character n-grams.

It knows the names of estates, firms and streets that the encoder has no notion of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from model.duty_words import DutyWords
from model.errors import ArtifactError
from model.lexical_features import FloatArray, IntArray, LexicalFeatures, Reading
from model.segment import Segmenter

_VOCABULARY = "vocabulary.json"
_WEIGHTS = "weights.safetensors"
_MIN_DOCUMENTS = 3
_ROWS_AT_ONCE = 256
_LARGEST = 127  # of int8
_SILENT = -1e4


class WeightedTerm(NamedTuple):
    """A piece text[start:end] and what it adds to a unit's margin."""

    term: str
    start: int
    end: int
    weight: float


class LexicalExpert:
    """Scores units by the words of a text.

    `weights` is int8 [features, units]; row f stands for `scale[f]` times it. `bias` is float32 [units].
    Units that no training text carried have no weights: their margin is the lowest that any unit got in
    training. Those of `duty_words` are scored by these instead. `texts` is int64 [units]: how many training
    texts carried each.
    """

    def __init__(
        self,
        features: LexicalFeatures,
        weights: NDArray[np.int8],
        scale: FloatArray,
        bias: FloatArray,
        texts: IntArray,
        duty_words: DutyWords | None = None,
    ) -> None:
        self.features = features
        self._weights = weights
        self._scale = scale
        self._bias = bias
        self.texts = texts
        self.duty_words = duty_words if duty_words is not None else DutyWords.none(len(features))

    @property
    def n_units(self) -> int:
        """Number of units scored."""
        return len(self._bias)

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        n_units: int,
        segmenter: Segmenter,
        *,
        c: float = 0.5,
        extra: Sequence[Sequence[str]] | None = None,
        min_documents: int = _MIN_DOCUMENTS,
    ) -> LexicalExpert:
        """Train on normalised texts, each with the number of its unit and, if given, tokens of its own."""
        from sklearn.svm import LinearSVC  # slow to import, and scoring needs nothing of it

        features = LexicalFeatures.fit(texts, extra, segmenter, min_documents=min_documents)
        rows = features.matrix(texts, extra)
        model = LinearSVC(C=c, random_state=0).fit(rows, labels)
        seen = model.classes_.astype(np.int64)
        coefficients, intercepts = model.coef_, model.intercept_
        if len(seen) == 2:  # scikit-learn keeps one border for two classes
            coefficients, intercepts = (
                np.vstack([-coefficients, coefficients]),
                np.append(-intercepts, intercepts),
            )
        weights = coefficients.T.astype(np.float32)
        bias = np.full(n_units, float(intercepts.min()) - 1.0, dtype=np.float32)
        bias[seen] = intercepts
        scale = np.abs(weights).max(axis=1) / _LARGEST
        scale[scale == 0] = 1.0
        full = np.zeros((len(features), n_units), dtype=np.int8)
        full[:, seen] = np.rint(weights / scale[:, None])
        counts = np.bincount(labels, minlength=n_units).astype(np.int64)
        return cls(features, full, scale.astype(np.float32), bias, counts)

    def with_units(
        self,
        sources: Sequence[Sequence[int]],
        silent: NDArray[np.bool_],
        duties: Mapping[int, str],
        texts: IntArray,
    ) -> LexicalExpert:
        """Return an expert for other units: each the mean of the columns of its sources, or the very column.

        Units that are `silent` get a margin that no text overcomes. Those that `duties` holds by their new
        number are scored by the words of these texts. `texts` is how many training texts each unit has.
        """
        weights = np.empty((len(self._weights), len(sources)), dtype=np.int8)
        bias = np.empty(len(sources), dtype=np.float32)
        for column, rows in enumerate(sources):
            if column in duties:
                weights[:, column], bias[column] = 0, _SILENT
                continue
            weights[:, column] = np.rint(self._weights[:, rows].mean(axis=1, dtype=np.float32))
            bias[column] = self._bias[rows].mean()
        bias[silent] = _SILENT
        return LexicalExpert(
            self.features,
            weights,
            self._scale,
            bias,
            texts,
            DutyWords.read(self.features, duties),
        )

    def read(self, text: str) -> Reading:
        """Find in a text what `margins` and `top_terms` need of it, once for both."""
        return self.features.read(text)

    def decision(self, texts: Sequence[str], extra: Sequence[Sequence[str]] | None = None) -> FloatArray:
        """Return margins float32 [texts, units]; higher is likelier, 0 is the border of a unit."""
        return self.margins(
            [self.features.read(text, extra[i] if extra is not None else ()) for i, text in enumerate(texts)]
        )

    def margins(self, readings: Sequence[Reading]) -> FloatArray:
        """Return the margins of texts that were read before."""
        margins = np.empty((len(readings), self.n_units), dtype=np.float32)
        for i, reading in enumerate(readings):
            scaled = reading.values * self._scale[reading.ids]
            margins[i] = scaled @ self._weights[reading.ids].astype(np.float32)
        margins += self._bias
        if len(self.duty_words.units):
            margins[:, self.duty_words.units] = [self.duty_words.margins(reading) for reading in readings]
        return margins

    def top_terms(self, reading: Reading, unit: int, k: int = 5) -> list[WeightedTerm]:
        """Return the k pieces of a text that speak most for a unit, strongest first."""
        column = self.duty_words.of(unit, reading)
        if column is None:
            column = self._scale[reading.ids] * self._weights[reading.ids, unit]
        weights = reading.values * column
        # Of equal pieces that which stands first: grams before words, as the features are numbered.
        gram = reading.ids < len(self.features.blocks[0])
        best = np.lexsort((reading.ends, reading.starts, ~gram, -weights))[:k]
        return [
            WeightedTerm(reading.text[start:end], start, end, weight)
            for start, end, weight in zip(
                reading.starts[best].tolist(),
                reading.ends[best].tolist(),
                weights[best].tolist(),
                strict=True,
            )
            if weight > 0
        ]

    def save(self, folder: Path) -> None:
        """Write the expert into a folder: a JSON file of terms and a safetensors file of weights."""
        folder.mkdir(parents=True, exist_ok=True)
        vocabulary = {
            "names": self.features.segmenter.names,
            "grams": self.features.blocks[0],
            "words": self.features.blocks[1],
            "tokens": self.features.blocks[2],
        }
        temporary = folder / (_VOCABULARY + ".tmp")
        temporary.write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
        temporary.replace(folder / _VOCABULARY)
        temporary = folder / (_WEIGHTS + ".tmp")
        save_file(
            {
                "weights": self._weights,
                "scale": self._scale,
                "bias": self._bias,
                "texts": self.texts,
                "idf": self.features.idf,
                "duty_units": self.duty_words.units,
                "duty_weights": self.duty_words.weights,
            },
            temporary,
        )
        temporary.replace(folder / _WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> LexicalExpert:
        """Read what `save` wrote; raise ArtifactError if a file is missing or damaged."""
        try:
            vocabulary = json.loads((folder / _VOCABULARY).read_bytes())
            tensors = load_file(folder / _WEIGHTS)
            features = LexicalFeatures(
                Segmenter(vocabulary["names"]).load(),
                [vocabulary["grams"], vocabulary["words"], vocabulary["tokens"]],
                tensors["idf"],
            )
            # Artifacts of before had no such units.
            duty_words = (
                DutyWords(tensors["duty_units"], tensors["duty_weights"]) if "duty_units" in tensors else None
            )
            return cls(
                features, tensors["weights"], tensors["scale"], tensors["bias"], _texts(tensors), duty_words
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ArtifactError(
                f"the lexical expert cannot be read ({type(error).__name__})",
                where=folder.name,
                fix="Train or copy the artifact again.",
            ) from error


def _texts(tensors: Mapping[str, NDArray[np.generic]]) -> IntArray:
    if "texts" in tensors:
        return tensors["texts"].astype(np.int64)
    # Artifacts of before did not count: what they saw counts as seen often.
    texts = np.zeros(len(tensors["bias"]), dtype=np.int64)
    texts[tensors["seen"].astype(np.int64)] = np.iinfo(np.int32).max
    return texts
