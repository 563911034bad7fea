"""`python -m training.bench_trainer`: our fine-tuning against a plain transformers Trainer, in the same run.

All train the same network with the same loss on the same tickets for the same epochs, and are measured on the
same later ones. They take turns, so that what else the machine does strikes all of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from transformers.utils import logging as transformers_logging

from data.catalog.folder import load_catalog
from data.errors import PaidanError
from data.samples import sample_catalog_path
from data.tickets.columns import ColumnMapping
from model.artifact import file_sha256
from training.metrics import top_k_accuracy
from training.progress import say, step
from training.quality.lists import write_json
from training.retrain.steps import digest
from training.settings import TrainingSettings, load_settings
from training.tables import Column, Provenance, Row, write_report
from training.trainer_methods import Prepared, ours, plain

OURS = "Paidan"
METHODS: Mapping[str, Callable[..., None]] = {
    OURS: ours,
    "Trainer, defaults": plain,
    "Trainer, defaults, texts padded to the longest allowed": partial(plain, fixed_width=True),
    "Trainer, our batch size and learning rate": partial(plain, our_rates=True),
}
_COLUMNS = (
    Column("method", "Trained by"),
    Column("wall", "ms a ticket", ".1f"),
    Column("cpu", "processor ms a ticket", ".1f"),
    Column("times", "times ours", ".2f"),
    Column("times_cpu", "times ours, processor", ".2f"),
    Column("top1", "top-1", ".1%"),
    Column("top3", "top-3", ".1%"),
    Column("runs", "runs", "d"),
)


def run(name: str, prepared: Prepared, seed: int) -> dict[str, float]:
    """Train once and measure: seconds by the clock and of the processor, and accuracy on later tickets."""
    network, pad_id = prepared.network(seed)
    with TemporaryDirectory() as folder:
        clock, processor = time.perf_counter(), time.process_time()
        METHODS[name](prepared, network, pad_id, Path(folder), seed)
        wall, cpu = time.perf_counter() - clock, time.process_time() - processor
    ranks = prepared.ranks(network, pad_id)
    return {"wall": wall, "cpu": cpu, "top1": top_k_accuracy(ranks, 1), "top3": top_k_accuracy(ranks, 3)}


def row_of(name: str, runs: Sequence[Mapping[str, float]], base: Row, seen: float) -> Row:
    """Return a row of the table: medians of times a ticket and epoch, means of accuracy; `base` is ours."""
    wall, cpu = (median(found[key] for found in runs) * 1000 / seen for key in ("wall", "cpu"))
    row: Row = {
        "method": name,
        "wall": wall,
        "cpu": cpu,
        "top1": mean(found["top1"] for found in runs),
        "top3": mean(found["top3"] for found in runs),
        "top1_lowest": min(found["top1"] for found in runs),
        "top1_highest": max(found["top1"] for found in runs),
        "runs": len(runs),
    }
    return {**row, **{key: _ratio(row, base or row, of) for key, of in _RATIOS.items()}}


_RATIOS = {"times": "wall", "times_cpu": "cpu"}


def _ratio(row: Row, base: Row, key: str) -> float:
    value, of = row[key], base[key]
    return value / of if isinstance(value, float) and isinstance(of, float) else float("nan")


def main(  # typer calls it by name
    tickets: Annotated[Path, typer.Option(help="Labelled tickets.")],
    catalog: Annotated[Path | None, typer.Option(help="Their catalog; the sample city's by default.")] = None,
    columns: Annotated[Path | None, typer.Option(help="Mapping of the file's headers.")] = None,
    config: Annotated[Path | None, typer.Option(help="Training settings over the defaults.")] = None,
    count: Annotated[int, typer.Option(min=100, help="Tickets to learn.")] = 2000,
    later: Annotated[int, typer.Option(min=100, help="Later tickets to measure on.")] = 1000,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the encoder.")] = 3,
    epochs: Annotated[float, typer.Option(help="Times that the tickets are seen.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Times that every method trains.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    method: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done.")] = Path(
        "artifacts/bench-training"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/training"
    ),
) -> None:
    """Train by each method in turn; what is done is kept, so that an interrupted run goes on."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    try:
        settings = load_settings(config, layers=layers, epochs=epochs, threads=threads)
        mapping = ColumnMapping.load(columns) if columns else ColumnMapping.identity()
        with step("reading tickets and places"):
            prepared = Prepared.read(
                tickets,
                mapping,
                load_catalog(catalog or sample_catalog_path()),
                settings,
                count=count,
                later=later,
            )
        asked = {"settings": settings.model_dump(), "tickets": file_sha256(tickets), "of": [count, later]}
        rows = _rows(prepared, method or list(METHODS), rounds, work / digest(asked)[:12])
        provenance = Provenance.gather(
            command="make bench-training",
            data=[tickets],
            split=f"{len(prepared.learned)} tickets to learn, {len(prepared.later)} later ones to measure on",
            seed=settings.seed,
        )
        notes = _notes(prepared, settings, threads)
        write_report(report, "Training time against a plain Trainer", rows, _COLUMNS, provenance, notes=notes)
        say(f"written: {report}.md, {report}.json")
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _rows(prepared: Prepared, names: Sequence[str], rounds: int, folder: Path) -> list[Row]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        # Every other round goes the other way: who comes last is not always the same.
        for name in names if number % 2 == 0 else reversed(names):
            kept = folder / f"{number}-{digest({'method': name})[:8]}.json"
            if not kept.exists():
                with step(f"round {number + 1}: {name}"):
                    write_json(kept, run(name, prepared, prepared.settings.seed + number))
            runs[name].append(json.loads(kept.read_text("utf-8")))
            say(f"{name}: {runs[name][-1]}")
    seen = len(prepared.learned) * prepared.settings.epochs
    base: Row = row_of(OURS, runs[OURS], {}, seen) if OURS in runs else {}
    return [row_of(name, found, base, seen) for name, found in runs.items()]


def _notes(prepared: Prepared, settings: TrainingSettings, threads: int) -> str:
    lengths = np.array([len(ids) for ids in prepared.learned.token_ids])
    batch, rate, width = settings.batch_size, f"{settings.learning_rate:g}", settings.max_tokens
    return f"""Milliseconds are of one ticket in one epoch, the median of the runs; accuracy is the mean of
the runs, whose seeds differ. {settings.layers} layers, {settings.epochs:g} epochs, {threads} thread(s), fp32.
The texts have {lengths.mean():.0f} tokens on average, {np.percentile(lengths, 95):.0f} at the 95th
percentile; at most {width} are read. Accuracy is that of the fine-tuned network alone, without the lexical
expert and calibration.

- {OURS}: `paidan train`'s fine-tuning. Batches of {batch} texts of like length, learning rates {rate} and
  {settings.head_learning_rate:g} (head), warm-up over {settings.warmup:.0%} of the steps, dropout
  {settings.encoder_dropout:g} in the encoder.
- Trainer, defaults: the same network and loss under `transformers.Trainer` with the defaults of
  `TrainingArguments`: batches of 8 at random, padded to the longest of the batch, learning rate 5e-5 without
  warm-up, its AdamW, the encoder's dropout of {settings.encoder_dropout:g}, fp32. Set are epochs, seed and
  folder, and `remove_unused_columns=False`, because the collator takes row numbers; duty texts are read every
  50 steps as in ours.
- Padded to the longest allowed: the same, with every text padded to {width} tokens, as `run_glue.py` of
  transformers does unless told otherwise.
- Our batch size and learning rate: the defaults, but batches of {batch} and our learning rate and warm-up
  (one rate for encoder and head).
"""


if __name__ == "__main__":
    typer.run(main)
