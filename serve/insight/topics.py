"""Topics: tickets that say the same thing in different words, and the words that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.text import mask_pii

FloatArray = NDArray[np.float32]
Vectors = Callable[[Sequence[str]], FloatArray]
Words = Callable[[str], Sequence[str]]

MOST_TEXTS = 4000
"""Texts that are clustered; of more, a seeded sample is taken: the time grows with the square."""

_WORD = re.compile(r"[A-Za-z㐀-鿿]{2,}")
_WORDS_SHOWN = 6
_EXAMPLES_SHOWN = 3
_LIKE = 0.45  # cosine distance up to which neighbouring groups are joined (average linkage)
_LONGEST_EXAMPLE = 120
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Topic:
    """`rows` are indices into the texts; `words` name it; `examples` are masked, the most typical first."""

    rows: tuple[int, ...]
    words: tuple[str, ...]
    examples: tuple[str, ...]


def find_topics(
    texts: Sequence[str], vectors: Vectors, words: Words, *, least: int, seed: int = 17
) -> list[Topic]:
    """Return the topics with at least `least` texts, largest first.

    Args:
        texts: what the tickets say.
        vectors: gives float32 [N, H], where texts that say the same lie close.
        words: cuts a text into words.
        least: size of the smallest topic.
        seed: decides the sample, where one is needed.

    Groups are joined from the bottom by average cosine distance. The naming words are those frequent in a
    topic and rare in the others (class-based TF-IDF: Grootendorst 2022, "BERTopic").
    """
    from sklearn.cluster import AgglomerativeClustering

    rows = list(range(len(texts)))
    if len(texts) > MOST_TEXTS:
        rows = sorted(np.random.default_rng(seed).choice(rows, MOST_TEXTS, replace=False).tolist())
    if len(rows) < max(2, least):
        return []
    found = vectors([texts[i] for i in rows]).astype(np.float64)
    spread = found - found.mean(
        axis=0
    )  # encoders put all texts in one narrow cone; without its axis they spread
    if np.linalg.norm(spread, axis=1).min() > _NOTHING:  # texts that are all the same leave nothing to spread
        found = spread
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    groups = AgglomerativeClustering(
        n_clusters=None, distance_threshold=_LIKE, metric="cosine", linkage="average"
    ).fit_predict(found)
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    members = sorted((m for m in members if len(m) >= least), key=lambda m: (-len(m), m[0]))
    names = _name([[texts[rows[i]] for i in member] for member in members], words)
    topics = []
    for member, name in zip(members, names, strict=True):
        centre = found[member].mean(axis=0)
        typical = member[np.argsort(-(found[member] @ centre), kind="stable")]
        topics.append(
            Topic(tuple(rows[i] for i in member), name, _examples([texts[rows[i]] for i in typical]))
        )
    return topics


def _name(groups: Sequence[Sequence[str]], words: Words) -> list[tuple[str, ...]]:
    counts: list[dict[str, int]] = []
    total: dict[str, int] = {}
    for group in groups:
        count: dict[str, int] = {}
        for text in group:
            for word in set(words(text)):
                if _WORD.fullmatch(word):
                    count[word] = count.get(word, 0) + 1
        counts.append(count)
        for word, number in count.items():
            total[word] = total.get(word, 0) + number
    average = sum(total.values()) / max(1, len(groups))

    def weight(word: str, count: dict[str, int], size: int) -> float:
        return count[word] / size * float(np.log(1 + average / total[word]))

    return [
        tuple(sorted(count, key=lambda word: (-weight(word, count, len(group)), word))[:_WORDS_SHOWN])
        for count, group in zip(counts, groups, strict=True)
    ]


def _examples(texts: Sequence[str]) -> tuple[str, ...]:
    masked = dict.fromkeys(mask_pii(text) for text in texts[: 4 * _EXAMPLES_SHOWN])
    return tuple(
        text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}…"
        for text in list(masked)[:_EXAMPLES_SHOWN]
    )
