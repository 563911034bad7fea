"""Words of Chinese text: jieba with a city's own names in its dictionary."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable
from functools import cached_property
from math import log
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jieba 0.42 has unescaped backslashes and may import pkg_resources
    import jieba

from data.catalog.catalog import Catalog

# A name of the city beats any chain of shorter words, each of which costs it a factor of total / frequency.
_NAME_FREQUENCY = 20_000
_NAME_LENGTH = range(2, 21)
# jieba gives 160,000 words that were never counted the frequency 3. Leaving them out halves the time to load.
_RARE = 3
_TOKEN = re.compile(r"[A-Za-z0-9]+|[㐀-鿿]+|\s+|.", re.DOTALL)
_HAN = re.compile(r"[㐀-鿿]")

jieba.setLogLevel(logging.WARNING)


def catalog_words(catalog: Catalog) -> tuple[str, ...]:
    """Return the names of a catalog's units, families and places, sorted: what a segmenter should not cut."""
    names: set[str] = set(catalog.gazetteer.surfaces())
    for unit in catalog.departments.values():
        names.update((unit.name, *unit.aliases))
    for family in catalog.families.values():
        names.update((family.name, *family.aliases))
    return tuple(sorted(name for name in names if len(name) in _NAME_LENGTH and _HAN.search(name)))


class Segmenter:
    """Cuts text into words. Safe to call from several threads.

    The dictionary is jieba's own plus `names`. It is built in memory: jieba's cache file in the
    temporary folder is neither read (anyone could have written it) nor written.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(sorted(set(names)))

    @cached_property
    def _dictionary(self) -> tuple[dict[str, float], float]:
        """Log probability of each word, 0.0 for what only begins a word, and that of an unknown character."""
        lines = (Path(jieba.__file__).parent / jieba.DEFAULT_DICT_NAME).read_text(encoding="utf-8").split()
        counts = dict(zip(lines[0::3], map(int, lines[1::3]), strict=True))
        counts = {word: count for word, count in counts.items() if count > _RARE}
        for name in self.names:
            counts[name] = max(counts.get(name, 0), _NAME_FREQUENCY)
        log_total = log(sum(counts.values()))
        costs = {word: log(count) - log_total for word, count in counts.items()}
        for word in counts:
            for end in range(len(word) - 1, 0, -1):
                if word[:end] in costs:
                    break  # itself a word, or all its beginnings are in already
                costs[word[:end]] = 0.0
        return costs, -log_total

    def load(self) -> Segmenter:
        """Build the dictionary now (half a second) and not at the first text; return self."""
        _ = self._dictionary
        return self

    def words(self, text: str) -> list[str]:
        """Return the words of a text in order; joined they are the text again.

        Runs of Chinese are cut at their likeliest path through the dictionary, as jieba does without its
        model of unknown words: that model finds names of people, which say nothing of a department.
        """
        words: list[str] = []
        for token in _TOKEN.findall(text):
            if len(token) > 1 and token[0] >= "㐀":
                self._cut(token, words)
            else:
                words.append(token)
        return words

    def _cut(self, run: str, words: list[str]) -> None:
        costs, unknown = self._dictionary
        get = costs.get
        length = len(run)
        best = [0.0] * (length + 1)
        ends = [0] * length
        for start in range(length - 1, -1, -1):
            end = start + 1
            cost = get(run[start:end])
            top = (cost or unknown) + best[end]
            top_end = end
            while cost is not None and end < length:
                end += 1
                cost = get(run[start:end])
                if cost and cost + best[end] >= top:
                    top = cost + best[end]
                    top_end = end
            best[start] = top
            ends[start] = top_end
        start = 0
        while start < length:
            words.append(run[start : ends[start]])
            start = ends[start]
