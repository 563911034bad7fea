"""How fast this machine multiplies matrices, and how fast the encoder runs on it alone.

Each in a process of its own: `python -m training.serving_bench.rates matrices TOKENS HIDDEN INTERMEDIATE`
and `... rates encoder ARTIFACT TEXTS`; both print a number.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TypeVar

_SECONDS = 3.0
BATCH = 16

T = TypeVar("T")


def matrix_rate(tokens: int, hidden: int, intermediate: int, seconds: float = _SECONDS) -> float:
    """Return the median rate, in operations a second, of plain float32 products on all cores.

    One round is the products of one BERT layer over `tokens` tokens: four of [tokens, H] x [H, H], one of
    [tokens, H] x [H, F] and one of [tokens, F] x [F, H]; every operand is written beforehand, every result
    into memory that is there already, so that nothing but multiplying is measured.
    """
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    shapes = [(hidden, hidden)] * 4 + [(hidden, intermediate), (intermediate, hidden)]
    products = [
        (torch.randn(tokens, inner), torch.randn(inner, outer), torch.empty(tokens, outer))
        for inner, outer in shapes
    ]
    work = sum(2 * tokens * inner * outer for inner, outer in shapes)
    rates: list[float] = []
    ends = perf_counter() + seconds
    with torch.inference_mode():
        while perf_counter() < ends or not rates:
            started = perf_counter()
            for left, right, result in products:
                torch.mm(left, right, out=result)
            rates.append(work / (perf_counter() - started))
    return sorted(rates)[len(rates) // 2]


def batches(items: Sequence[T], size: int = BATCH) -> list[Sequence[T]]:
    """Cut a sequence into batches, in order."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def encoder_rate(artifact: Path, texts: Sequence[str]) -> float:
    """Return the texts a second that the artifact's encoder turns into vectors, batch after batch.

    Nothing else runs and nothing is served: with texts in order of length, what a service could reach at
    most. Tokenising is part of it.
    """
    from model.dispatcher import Dispatcher

    dispatcher = Dispatcher.load(artifact)
    dispatcher.vectors(texts[-BATCH:])
    started = perf_counter()
    for batch in batches(texts):
        dispatcher.vectors(batch)
    return len(texts) / (perf_counter() - started)


if __name__ == "__main__":
    kind, *given = sys.argv[1:]
    if kind == "matrices":
        print(matrix_rate(*map(int, given)))
    else:
        print(encoder_rate(Path(given[0]), json.loads(Path(given[1]).read_text("utf-8"))))
