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


@dataclass(frozen=True, slots=True)
class Term:
    """A feature with its first place in the text; start = end = 0 for a caller's token, which has none."""

    feature: int
    start: int
    end: int


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

    def row(self, text: str, tokens: Iterable[str] = ()) -> tuple[IntArray, FloatArray]:
        """Return feature numbers, ascending, and their values for one text."""
        lowered = text.translate(_LOWER)
        grams, words, known = self._grams.get, self._words.get, self._tokens.get
        found = [
            [i for i in map(grams, _grams(lowered)) if i is not None],
            [i for i in map(words, self.segmenter.words(lowered)) if i is not None],
            [i for i in map(known, tokens) if i is not None],
        ]
        ids, values = [], []
        for block in found:
            if block:
                unique, count = np.unique(np.array(block, dtype=np.int64), return_counts=True)
                value = (1 + np.log(count)) * self.idf[unique]
                ids.append(unique)
                values.append(value / np.sqrt(value @ value))
        if not ids:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        return np.concatenate(ids), np.concatenate(values).astype(np.float32)

    def matrix(self, texts: Sequence[str], extra: Sequence[Sequence[str]] | None = None) -> csr_matrix:
        """Return the rows of many texts, float32 [n, features]."""
        rows = [self.row(text, extra[i] if extra is not None else ()) for i, text in enumerate(texts)]
        starts = np.cumsum([0, *(len(ids) for ids, _ in rows)])
        ids = np.concatenate([ids for ids, _ in rows]) if rows else np.empty(0, dtype=np.int64)
        values = np.concatenate([values for _, values in rows]) if rows else np.empty(0, dtype=np.float32)
        return csr_matrix((values, ids, starts), shape=(len(texts), len(self)))

    def terms(self, text: str) -> list[Term]:
        """Return every known n-gram and word of a text once, where it first stands."""
        lowered = text.translate(_LOWER)
        first: dict[int, Term] = {}
        for start in range(len(lowered)):
            for end in range(start + 1, min(start + LONGEST_GRAM, len(lowered)) + 1):
                feature = self._grams.get(lowered[start:end])
                if feature is not None and feature not in first:
                    first[feature] = Term(feature, start, end)
        start = 0
        for word in self.segmenter.words(lowered):
            feature = self._words.get(word)
            if feature is not None and feature not in first:
                first[feature] = Term(feature, start, start + len(word))
            start += len(word)
        return list(first.values())


def _grams(text: str) -> Iterable[str]:
    length = len(text)
    return [text[i : i + n] for n in range(1, LONGEST_GRAM + 1) for i in range(length - n + 1)]
