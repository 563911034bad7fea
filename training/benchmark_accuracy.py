"""`python -m training.benchmark_accuracy`: every system on the same real tickets, in one table."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from model.artifact import file_sha256
from model.dispatcher import Dispatcher
from training import benchmark_goals
from training import benchmark_systems as systems
from training.benchmark_systems import JOBS, Scores, Task, Tickets
from training.errors import TrainingError
from training.metrics import (
    calibration_error_interval,
    coverage_at_precision,
    expected_calibration_error,
    macro_f1,
    mean_reciprocal_rank,
    right_ranks,
    top_k_accuracy,
)
from training.progress import say, step
from training.resampling import paired_bootstrap
from training.settings import load_settings
from training.tables import Column, Provenance, Row, markdown_table, write_report

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

PRECISION = 0.95
UNTIL = date(2018, 4, 30)
CITY = "海口市"

_ROOT = Path(__file__).resolve().parent.parent
_CONFIGS = _ROOT / "configs"
_SOURCES = ("data", "model", "training")
# What a change in one of these does, it does not do to the scores.
_WITHOUT_EFFECT = {
    "cli.py",
    "metrics.py",
    "resampling.py",
    "tables.py",
    "bench_places.py",
    "benchmark_accuracy.py",
    "benchmark_catalog.py",
    "benchmark_goals.py",
}
_UNSEEN_LAYERS = 6  # of the encoder that is trained without some units: half as long as with all
_SAMPLES = "samples"
_WHY = """What stands in the way of the rest: [error-analysis.md](error-analysis.md) (200 misses read) and
[ADR 9](../adr/0009-what-was-tried-for-accuracy.md) (what was tried).
"""
_SOFTWARE = ("torch", "transformers", "scikit-learn", "numpy", "onnxruntime")

_COLUMNS = (
    Column("system", "System"),
    Column("top1", "top-1", ".1%"),
    Column("top3", "top-3", ".1%"),
    Column("top5", "top-5", ".1%"),
    Column("macro_f1", "macro-F1", ".3f"),
    Column("coverage", "coverage at 95% precision", ".1%"),
    Column("ece", "ECE", ".3f"),
    Column("minutes", "training minutes", ".1f"),
    Column("memory_gb", "peak memory, GB", ".1f"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job gave. `minutes` is None when it was interrupted, since what came before is not known."""

    scores: Scores
    minutes: float | None
    memory_gb: float


def code_hash(root: Path = _ROOT) -> str:
    """Return a hash of every source file that can change a score."""
    digest = hashlib.sha256()
    for package in _SOURCES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).parts
            if path.name not in _WITHOUT_EFFECT and _SAMPLES not in parts:
                digest.update(f"{'/'.join(parts)} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def run_key(task: Task) -> str:
    """Name exactly this run: tickets, mapping, catalog, settings, code and libraries."""
    identity = {
        "tickets": file_sha256(task.tickets),
        "columns": task.columns.to_dict(),
        "catalog": {p.name: file_sha256(p) for p in sorted(task.catalog.rglob("*")) if p.is_file()},
        "settings": task.settings.model_dump(),
        "until": task.until.isoformat(),
        "code": code_hash(),
        "software": {name: version(name) for name in _SOFTWARE},
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def run_job(name: str, task: Task) -> Outcome:
    """Run one job and measure it; meant for a process of its own, whose peak memory is the job's."""
    task.work.mkdir(parents=True, exist_ok=True)
    started_before = task.work / "started"
    interrupted = started_before.exists()
    started_before.touch()
    begin = time.monotonic()
    scores = JOBS[name](task)
    minutes = None if interrupted else (time.monotonic() - begin) / 60
    return Outcome(scores, minutes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def kept_outcome(name: str, task: Task, folder: Path) -> Outcome:
    """Return what the job gave the last time, or run it and keep what it gives."""
    kept = folder / f"{name}.npz"
    if kept.exists():
        say(f"{name}: done before")
        with np.load(kept) as arrays:
            facts = json.loads(str(arrays["facts"]))
            scores = {key: arrays[key] for key in arrays.files if key != "facts"}
        return Outcome(scores, facts["minutes"], facts["memory_gb"])
    with step(name), _one_process() as pool:
        outcome = pool.submit(run_job, name, task).result()
    facts = json.dumps({"minutes": outcome.minutes, "memory_gb": outcome.memory_gb})
    scratch = folder / f".{name}.npz"
    np.savez_compressed(scratch, facts=np.array(facts), **outcome.scores)  # type: ignore[arg-type]
    scratch.replace(kept)
    return outcome


def _one_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))


def measure(system: str, scores: FloatArray, labels: IntArray) -> Row:
    """Return one row of the table."""
    ranks = right_ranks(scores, labels)
    confidence, right = scores.max(axis=1), ranks == 1
    interval = calibration_error_interval(confidence, right)
    return {
        "system": system,
        "top1": top_k_accuracy(ranks, 1),
        "top3": top_k_accuracy(ranks, 3),
        "top5": top_k_accuracy(ranks, 5),
        "mean_reciprocal_rank": mean_reciprocal_rank(ranks),
        "macro_f1": macro_f1(scores.argmax(axis=1), labels),
        "coverage": coverage_at_precision(confidence, right, PRECISION),
        "ece": expected_calibration_error(confidence, right),
        "ece_low": interval.low,
        "ece_high": interval.high,
    }


def compare(scores: Mapping[str, FloatArray], labels: IntArray) -> str:
    """Say by how much the whole model beats its peer, as Markdown lines."""
    if not {systems.COMBINED, systems.TFIDF} <= scores.keys():
        return ""
    ours, peer = (right_ranks(scores[name], labels) for name in (systems.COMBINED, systems.TFIDF))
    lines = [f"{systems.COMBINED} against {systems.TFIDF}, paired bootstrap:", ""]
    for k in (1, 3):
        result = paired_bootstrap(ours <= k, peer <= k)
        lines.append(
            f"- top-{k}: {result.difference * 100:+.1f} points "
            f"(95% interval {result.interval.low * 100:+.1f} to {result.interval.high * 100:+.1f})"
        )
    return "\n".join(lines) + "\n"


def _notes(tickets: Tickets, scores: Mapping[str, FloatArray]) -> str:
    seen = set(tickets.training.labels.tolist())
    new = sum(label not in seen for label in tickets.test.labels.tolist())
    return f"""{compare(scores, tickets.test.labels)}
Trained on {len(tickets.training)} tickets, of which the latest {len(tickets.latest)} serve to calibrate;
measured on {len(tickets.test)}; {len(tickets.units)} units. {new} of the tickets measured on belong to units
that no training ticket carries. Tickets whose text differs from one before the day in digits or punctuation
only are not measured on.

- Every system sees the same tickets, encoder and seed. One temperature a system is fit on the latest slice;
  systems that train in minutes are then trained on all tickets, the encoder of the catalog head sees the
  latest ones once, that of the flat head does not.
- Coverage is the largest share of tickets, surest first, of which {PRECISION:.0%} are right. It is read off
  the test itself, so it compares systems and promises nothing. ECE: 15 bins of equal mass.
- The {systems.FROZEN} reads the encoder as it comes; its strength is chosen on
  the latest slice.
- The last two rows come from one run of `paidan train`. Minutes and memory are those of the whole job,
  reading included; a dash for the minutes: the job was interrupted and went on later.
"""


def main(  # typer calls it by name
    tickets: Annotated[Path, typer.Option(help="The city's labelled tickets.")],
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done.")] = Path(
        "artifacts/benchmark-accuracy"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/accuracy"
    ),
    config: Annotated[Path, typer.Option(help="Training settings.")] = _CONFIGS / "train" / "haikou.yaml",
    columns: Annotated[Path, typer.Option(help="Mapping of the file's headers.")] = _CONFIGS
    / "columns"
    / "haikou.yaml",
    job: Annotated[list[str] | None, typer.Option(help=f"Only these: {', '.join(JOBS)}.")] = None,
) -> None:
    """Train and measure every system; what is done is kept, so that an interrupted run goes on."""
    try:
        _run(tickets, work, report, config=config, columns=columns, jobs=job or list(JOBS))
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _run(
    tickets: Path, work: Path, report: Path, *, config: Path, columns: Path, jobs: Sequence[str]
) -> None:
    unknown = [name for name in jobs if name not in JOBS]
    if unknown:
        raise TrainingError(f"no job {unknown[0]!r}", where="--job", expected=", ".join(JOBS))
    if not tickets.is_file():
        raise TrainingError("no such file", where=str(tickets), expected="a ticket file")
    settings, mapping = load_settings(config), ColumnMapping.load(columns)
    catalog = work / "catalog"
    with step("drafting the catalog"):
        variants = _CONFIGS / "catalog" / "haikou_variants.yaml"
        systems.draft_catalog(tickets, mapping, city=CITY, variants=variants, until=UNTIL, output=catalog)
    task = Task(tickets, mapping, catalog, settings, UNTIL, work)
    folder = work / run_key(task)
    folder.mkdir(parents=True, exist_ok=True)
    say(f"results are kept in {folder}")
    held = Tickets.read(task)
    rows: list[Row] = []
    scores: dict[str, FloatArray] = {}
    for name in jobs:
        outcome = kept_outcome(name, replace(task, work=folder / name), folder)
        facts: Row = {"minutes": outcome.minutes, "memory_gb": outcome.memory_gb}
        rows += [
            {**measure(system, found, held.test.labels), **facts} for system, found in outcome.scores.items()
        ]
        scores |= outcome.scores
    provenance = Provenance.gather(
        command="make benchmark-accuracy HAIKOU=" + tickets.name,
        data=[tickets],
        split=f"to {UNTIL} for training, later tickets for measuring",
        seed=settings.seed,
    )
    notes = _notes(held, scores)
    if "catalog" in jobs:
        unseen = benchmark_goals.catalog_benchmark(
            tickets, folder / "unseen", config=config, columns=columns, layers=_UNSEEN_LAYERS
        )
        with step("measuring what was wanted"):
            model = Dispatcher.load(folder / "catalog" / "artifact", threads=settings.threads)
            table = markdown_table(benchmark_goals.goals(model, held, unseen), benchmark_goals.COLUMNS)
        say(table)
        notes = f"{notes}\n## What was wanted\n\n{table}\n{_WHY}"
    write_report(report, "Accuracy on real tickets", rows, _COLUMNS, provenance, notes=notes)
    say(f"written: {report}.md, {report}.json")


if __name__ == "__main__":
    typer.run(main)
