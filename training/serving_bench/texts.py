"""Texts as long as those that citizens' hotlines take down, made of the sample city's tickets."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tokenizers import Tokenizer

from data.text import normalise
from model.demands import split_demands
from training.serving_bench.errors import BenchmarkError

MEDIAN_TOKENS = 54
SPREAD = 0.375
"""Standard deviation of the logarithm of the length: 95% are shorter than 100 tokens, as real ones are."""
SEVERAL = 0.01
"""Share of texts that make several demands, as in a city's real file; the sample city's make far more."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and how many tokens the encoder reads of it, special ones counted."""

    text: str
    tokens: int


def read_pool(path: Path, tokenizer: Path, max_tokens: int) -> list[Text]:
    """Read the different texts of a ticket file, as `paidan sample tickets` writes it.

    Of those that make several demands so many are left that they are `SEVERAL` of all: each demand is
    scored once more.

    Raises:
        BenchmarkError: there is none.
    """
    if not path.is_file():
        raise BenchmarkError("no such file", where=str(path), fix="`make bench-serving` makes it.")
    with path.open(encoding="utf-8") as lines:
        texts = list(dict.fromkeys(json.loads(line)["text"] for line in lines))
    several = {text for text in texts if split_demands(normalise(text).text)}
    kept = set(sorted(several)[: round((len(texts) - len(several)) * SEVERAL)])
    texts = [text for text in texts if text in kept or text not in several]
    loaded = Tokenizer.from_file(str(tokenizer))
    loaded.no_padding()
    loaded.enable_truncation(max_tokens)
    counts = [len(encoding.ids) for encoding in loaded.encode_batch(texts)]
    return [Text(text, count) for text, count in zip(texts, counts, strict=True)]


def choose(pool: Sequence[Text], count: int, seed: int) -> list[Text]:
    """Draw `count` lengths from a log-normal, and take the text of the pool nearest to each, each text once.

    Raises:
        BenchmarkError: the pool is too small.
    """
    if count > len(pool):
        raise BenchmarkError(f"only {len(pool)} texts", where="pool of texts", expected=f"{count} or more")
    draw = Random(seed)
    left = sorted(pool, key=lambda text: text.tokens)
    lengths = [text.tokens for text in left]
    chosen = []
    for _ in range(count):
        wanted = MEDIAN_TOKENS * draw.lognormvariate(0, SPREAD)
        place = bisect_left(lengths, wanted)
        near = [i for i in (place - 1, place) if 0 <= i < len(left)]
        best = min(near, key=lambda i: abs(lengths[i] - wanted))
        del lengths[best]
        chosen.append(left.pop(best))
    return chosen
