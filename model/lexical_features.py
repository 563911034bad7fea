"""What the lexical expert counts in a text: character n-grams, words and the caller's own tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from model.segment import Segmenter

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LONGEST_GRAM = 4
_LOWER = {
    code: code + 32 for code in range(ord("A"), ord("Z") + 1)
}  # unlike str.lower, never changes a length


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What is known of a text's terms.

    `ids` are feature numbers, ascending, `values` theirs in the sparse row. Feature ids[i] first stands at
    text[starts[i]:ends[i]]; a caller's token, which has no place, has 0 and 0.
    """

    text: str
    ids: IntArray
    values: FloatArray
    starts: IntArray
    ends: IntArray


class LexicalFeatures:
    """Texts to sparse TF-IDF rows.

    `blocks` are the vocabularies: n-grams of 1 to 4 characters, words of 2 characters or more, tokens.
    Feature numbers run through them in that order. Each block of a row has length 1 (or 0 when
    nothing in it is known): (1 + ln count) * idf, idf = ln((1 + n) / (1 + df)) + 1.
    """

    def __init__(self, segmenter: Segmenter, blocks: Sequence[Sequence[str]], idf: FloatArray) -> None:
        self.segmenter = segmenter
        self.blocks = tuple(tuple(block) for block in blocks)
        self.idf = idf
        offset = 0
        lookups = []
        for block in self.blocks:
            lookups.append({term: offset + i for i, term in enumerate(block)})
            offset += len(block)
        self._grams, self._words, self._tokens = lookups

    def __len__(self) -> int:
        return len(self.idf)

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        extra: Sequence[Sequence[str]] | None,
        segmenter: Segmenter,
        *,
        min_documents: int,
    ) -> LexicalFeatures:
        """Learn the vocabularies: terms found in at least `min_documents` texts (tokens: in two)."""
        counts: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
        for row, text in enumerate(texts):
            lowered = text.translate(_LOWER)
            counts[0].update(set(_grams(lowered)))
            counts[1].update({word for word in segmenter.words(lowered) if len(word) > 1})
            if extra is not None:
                counts[2].update(set(extra[row]))
        least = (min_documents, min_documents, 2)
        blocks = [
            sorted(t for t, n in count.items() if n >= low) for count, low in zip(counts, least, strict=True)
        ]
        found = [count[term] for count, block in zip(counts, blocks, strict=True) for term in block]
        idf = np.log((1 + len(texts)) / (1 + np.array(found, dtype=np.float64))) + 1
        return cls(segmenter, blocks, idf.astype(np.float32))

    def read(self, text: str, tokens: Iterable[str] = ()) -> Reading:
        """Find the known terms of a text, each with its value and its first place."""
        lowered = text.translate(_LOWER)
        blocks = [self._found_grams(lowered), self._found_words(lowered), self._found_tokens(tokens)]
        parts = [self._valued(*block) for block in blocks if len(block[0])]
        if not parts:
            none = np.empty(0, dtype=np.int64)
            return Reading(text, none, np.empty(0, dtype=np.float32), none, none)
        ids, values, starts, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Reading(text, ids, values.astype(np.float32), starts, ends)

    def row(self, text: str, tokens: Iterable[str] = ()) -> tuple[IntArray, FloatArray]:
        """Return feature numbers, ascending, and their values for one text."""
        reading = self.read(text, tokens)
        return reading.ids, reading.values

    def matrix(self, texts: Sequence[str], extra: Sequence[Sequence[str]] | None = None) -> csr_matrix:
        """Return the rows of many texts, float32 [n, features]."""
        rows = [self.row(text, extra[i] if extra is not None else ()) for i, text in enumerate(texts)]
        starts = np.cumsum([0, *(len(ids) for ids, _ in rows)])
        ids = np.concatenate([ids for ids, _ in rows]) if rows else np.empty(0, dtype=np.int64)
        values = np.concatenate([values for _, values in rows]) if rows else np.empty(0, dtype=np.float32)
        return csr_matrix((values, ids, starts), shape=(len(texts), len(self)))

    def _found_grams(self, text: str) -> _Found:
        get = self._grams.get
        features = np.array([get(gram, _UNKNOWN) for gram in _grams(text)], dtype=np.int64)
        sizes = range(1, min(LONGEST_GRAM, len(text)) + 1)
        starts = np.concatenate([np.arange(len(text) - size + 1) for size in sizes] or [features])
        ends = starts + np.repeat(np.array(sizes), [len(text) - size + 1 for size in sizes])
        return _known(features, starts, ends)

    def _found_words(self, text: str) -> _Found:
        words = self.segmenter.words(text)
        features = np.array([self._words.get(word, _UNKNOWN) for word in words], dtype=np.int64)
        ends = np.cumsum([len(word) for word in words], dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]]) if words else ends
        return _known(features, starts, ends)

    def _found_tokens(self, tokens: Iterable[str]) -> _Found:
        features = np.array([self._tokens.get(token, _UNKNOWN) for token in tokens], dtype=np.int64)
        return _known(features, np.zeros_like(features), np.zeros_like(features))

    def _valued(
        self, features: IntArray, starts: IntArray, ends: IntArray
    ) -> tuple[IntArray, FloatArray, IntArray, IntArray]:
        unique, first, count = np.unique(features, return_index=True, return_counts=True)
        value = (1 + np.log(count)) * self.idf[unique]
        value /= np.sqrt(value @ value)
        return unique, value, starts[first], ends[first]


_UNKNOWN = -1
_Found = tuple[IntArray, IntArray, IntArray]
"""Features in the order they are met, and where each stands."""


def _known(features: IntArray, starts: IntArray, ends: IntArray) -> _Found:
    known = features != _UNKNOWN
    return features[known], starts[known], ends[known]


def _grams(text: str) -> list[str]:
    length = len(text)
    return [text[i : i + n] for n in range(1, LONGEST_GRAM + 1) for i in range(length - n + 1)]
