"""The arithmetic of a load test: percentiles, arrivals, and the work that an encoder does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from random import Random


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least `share` (0 to 1) of them do not exceed; NaN of none.

    The nearest-rank method: what comes out was measured, never interpolated.
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def poisson_arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return the moments, in seconds from the start, of a Poisson process of `rate` a second.

    The gaps between them are exponential and come from `seed`: the same arguments give the same moments.
    """
    draw = Random(seed)
    endless = (draw.expovariate(rate) for _ in iter(int, 1))
    return list(takewhile(lambda moment: moment < seconds, accumulate(endless)))


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """What decides how much a BERT computes."""

    layers: int
    hidden: int
    intermediate: int

    @classmethod
    def read(cls, checkpoint: Path) -> EncoderShape:
        """Read it from the config.json of a Hugging Face folder."""
        config = json.loads((checkpoint / "config.json").read_text("utf-8"))
        return cls(config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"])

    def flops(self, length: int) -> int:
        """Return the floating-point operations that a text of `length` tokens takes.

        Matrix products alone, a multiplication and an addition counted as two. With L layers, hidden size H,
        intermediate size F and T tokens:

            query, key, value, output     4 · 2 · T · H · H
            the two feed-forward layers   2 · 2 · T · H · F
            scores, and their sum         2 · 2 · T · T · H

            flops(T) = L · (8 T H² + 4 T H F + 4 T² H)

        Embeddings, norms, softmax, GELU and pooling are left out: they are no products. To count padding,
        give the padded length.
        """
        per_layer = 8 * length * self.hidden**2
        per_layer += 4 * length * self.hidden * self.intermediate
        per_layer += 4 * length**2 * self.hidden
        return self.layers * per_layer

    def flops_of(self, lengths: Iterable[int]) -> int:
        """Return the operations of several texts, none padded."""
        return sum(map(self.flops, lengths))

    def flops_padded(self, batches: Iterable[Sequence[int]]) -> int:
        """Return the operations of batches whose texts are padded to the longest of each."""
        return sum(len(batch) * self.flops(max(batch)) for batch in batches)
