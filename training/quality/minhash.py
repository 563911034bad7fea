"""Near-duplicates of a million texts: MinHash signatures and their bands, on whole arrays.

The signature is that of Broder 1997, "On the resemblance and containment of documents"; bands and rows are
those that datasketch's MinHashLSH chooses for the similarity. datasketch computes a signature a text in
Python, which takes an hour for a million of them; here numpy does some thousands at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from datasketch import MinHashLSH
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IntArray = NDArray[np.int64]
Signatures = NDArray[np.uint32]

_NO_LETTER = re.compile(r"[\W\d_]+")
_TEXTS_AT_ONCE = 4096
_PAIRS_AT_ONCE = 1 << 17
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_MISSED_MATTERS = (0.1, 0.9)  # a false candidate is looked at once more, a missed one is lost


def signatures(
    texts: Sequence[str],
    *,
    permutations: int,
    shingle_length: int,
    seed: int,
    on_progress: Callable[[float], None] | None = None,
) -> Signatures:
    """Return MinHash signatures, uint32 [N, permutations], of the texts' letters.

    A text shorter than a shingle is one shingle. Memory: four bytes a permutation and text.
    """
    generator = np.random.default_rng(seed)
    factors = generator.integers(2**32, size=permutations, dtype=np.uint32) | np.uint32(1)
    offsets = generator.integers(2**32, size=permutations, dtype=np.uint32)
    found = np.empty((len(texts), permutations), dtype=np.uint32)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        hashes, starts = _shingles(texts[start : start + _TEXTS_AT_ONCE], shingle_length)
        for column in range(permutations):
            permuted = hashes * factors[column] + offsets[column]
            found[start : start + len(starts), column] = np.minimum.reduceat(permuted, starts)
        if on_progress is not None:
            on_progress(min(1.0, (start + _TEXTS_AT_ONCE) / len(texts)))
    return found


def near_duplicate_groups(signed: Signatures, similarity: float) -> IntArray:
    """Return int64 [N]: for each text the number of the first text of its group.

    Texts of one bucket of a band are compared with the first of the bucket and with the one before; those
    as similar as asked for, by their signatures, are of one group, and so are those that they lead to.
    """
    texts, permutations = signed.shape
    bands = MinHashLSH(threshold=similarity, num_perm=permutations, weights=_MISSED_MATTERS)
    group = np.arange(texts, dtype=np.int64)
    for band in range(bands.b):
        keys = _band_keys(signed[:, band * bands.r : (band + 1) * bands.r])
        left, right = _pairs_of_buckets(keys)
        apart = group[left] != group[right]
        left, right = left[apart], right[apart]
        alike = np.concatenate(
            [np.empty(0, dtype=np.bool_), *_alike(signed, left, right, least=similarity * permutations)]
        )
        if alike.any():
            group = _joined(group, left[alike], right[alike])
    return group


def _shingles(texts: Sequence[str], length: int) -> tuple[Signatures, IntArray]:
    """Return the hashes of all shingles of all texts, and where each text's begin."""
    letters = [_NO_LETTER.sub("", text).casefold() or text for text in texts]
    sizes = np.array([len(text) for text in letters], dtype=np.int64)
    filled = ("\0" * length).join([*letters, ""])
    codes = np.frombuffer(filled.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashes = np.zeros(len(codes) - length + 1, dtype=np.uint64)
    for place in range(length):
        hashes = (hashes ^ codes[place : place + len(hashes)]) * _PRIME
    hashes = (hashes ^ (hashes >> _HALF)) * _MIX
    counts = np.maximum(sizes - length + 1, 1)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    first = np.concatenate([[0], np.cumsum(sizes + length)[:-1]])
    places = np.arange(counts.sum()) + np.repeat(first - starts, counts)
    return (hashes[places] >> _HALF).astype(np.uint32), starts


def _band_keys(rows: Signatures) -> NDArray[np.uint64]:
    keys = np.zeros(len(rows), dtype=np.uint64)
    for column in range(rows.shape[1]):
        keys = (keys ^ rows[:, column]) * _MIX
        keys ^= keys >> _HALF
    return keys


def _pairs_of_buckets(keys: NDArray[np.uint64]) -> tuple[IntArray, IntArray]:
    """Pair each text with the first of its bucket and with the one before it there."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    later = np.flatnonzero(~begins)
    second = later[later - 1 != first[later]]  # the one before is the first: one pair is enough
    left = np.concatenate([order[first[later]], order[second - 1]])
    return left, np.concatenate([order[later], order[second]])


def _alike(
    signed: Signatures, left: IntArray, right: IntArray, *, least: float
) -> Iterator[NDArray[np.bool_]]:
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        yield (signed[left[part]] == signed[right[part]]).sum(axis=1) >= least


def _joined(group: IntArray, left: IntArray, right: IntArray) -> IntArray:
    edges = np.ones(len(left), dtype=np.int8)
    graph = coo_array((edges, (group[left], group[right])), shape=(len(group), len(group)))
    _, part = connected_components(graph, directed=False)
    parts = part[group]
    first = np.full(parts.max() + 1, len(group), dtype=np.int64)
    np.minimum.at(first, parts, np.arange(len(group)))
    return first[parts]
