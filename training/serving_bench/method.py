"""How the figures were measured, to be read below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.serving_bench import swap
from training.serving_bench.figures import percentile
from training.serving_bench.report import Measurements
from training.serving_bench.scenarios import CALLERS, Sizes

_NOTES = """
{count} invented texts, all different, taken from `paidan sample tickets` so that they have as many tokens
as real hotline tickets: {tokens} tokens, {characters} characters (5%, median, 95%, longest). One in a hundred
makes several demands, as in a real file of 21,113 tickets (0.9%).

- Every system gets the same texts once, from {callers} callers that ask again as soon as they are answered,
  after {warm_up} others as a warm-up. The generator is one more process on the same cores; in these loops
  it took at most {generator} of them. Memory is the server's and its children's.
- Paidan runs as `paidan serve` with its defaults, cascade and cache off but in the rows that name them: it
  finds places and reasons, and stores every decision in SQLite.
- Peers answer with three labels (infinity-emb: the text vector) and store nothing. They have the encoder's
  layers as they were before training, and an untrained linear head with a class for each unit: the same work
  for the processor. In FastAPI, calls take turns at the pipeline. Peers: {versions}.
- Open loop: requests arrive at random (Poisson, seed {seed}), for {steady_seconds:.0f} seconds at the lower
  rate and {over_seconds:.0f} at the higher, whether or not earlier ones are answered; latency counts from
  the moment a request was due.
- Start to ready: from the start of the process to the first 200 of `/readyz`, median of {starts}.
- The machine's rate is that of one layer's matrix products at the size of a full batch; of before and after,
  the higher one counts. The encoder's work is counted from its shape (`EncoderShape.flops`): matrix products
  alone, padding not counted.
- Swaps: two artifacts that differ in model, catalog and policy version are promoted in turn, under
  {swap_callers} callers.
- The texts are synthetic: what the cascade costs in accuracy has to be measured on real ones.
"""


def notes(run: Measurements, sizes: Sizes, seed: int, versions: Mapping[str, str]) -> str:
    """Say how a run was measured, as Markdown."""
    systems = (run.plain, run.cascade, *run.peers.values())
    generator = max((got.generator for got in systems if not isinstance(got, str)), default=0.0)
    return _NOTES.format(
        count=len(run.tokens),
        characters=_spread(run.characters),
        tokens=_spread(run.tokens),
        callers=CALLERS,
        swap_callers=swap.CALLERS,
        warm_up=sizes.warm_up,
        steady_seconds=sizes.steady_seconds,
        over_seconds=sizes.over_seconds,
        starts=sizes.starts,
        generator=f"{generator:.1%}",
        versions=", ".join(f"{name} {number}" for name, number in versions.items()) or "none",
        seed=seed,
    )


def _spread(lengths: Sequence[int]) -> str:
    return ", ".join(f"{percentile(lengths, share):.0f}" for share in (0.05, 0.5, 0.95, 1.0))
