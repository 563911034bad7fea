"""What was wanted of accuracy, policy, places and reasons, beside what one artifact reaches."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from model.decision import Level, PlaceStatus
from model.dispatcher import Dispatcher
from model.explain import Explainer
from model.layout import LEVELS
from training import bench_places
from training.benchmark_systems import Tickets
from training.errors import TrainingError
from training.metrics import (
    calibration_error_interval,
    expected_calibration_error,
    right_ranks,
    top_k_accuracy,
)
from training.tables import Column, Row

COLUMNS = (Column("measured", "measured"), Column("wanted", "wanted"), Column("reached", "reached"))
_TIMED, _BATCH = 320, 16
_ROOT = Path(__file__).resolve().parent.parent


def goals(dispatcher: Dispatcher, tickets: Tickets, catalog_report: Path) -> list[Row]:
    """Measure an artifact on the test's tickets; `catalog_report` is the JSON of `benchmark_catalog`."""
    scores, held = dispatcher.assess([item.ticket for item in tickets.test.inputs])
    found = [
        *of_scores(scores, held, tickets.test.labels, dispatcher),
        *of_catalog(catalog_report),
        of_districts(dispatcher, tickets),
        of_suite(),
        of_reasons(dispatcher, tickets),
    ]
    return [dict(zip(("measured", "wanted", "reached"), row, strict=True)) for row in found]


def catalog_benchmark(tickets: Path, work: Path, *, config: Path, columns: Path, layers: int) -> Path:
    """Run `benchmark_catalog`, which keeps its training, in a process of its own; return its JSON report.

    Raises:
        TrainingError: it failed, and said why.
    """
    report = work / "report"
    command = [sys.executable, "-m", "training.benchmark_catalog", "--tickets", str(tickets)]
    command += ["--work", str(work), "--report", str(report), "--layers", str(layers)]
    command += ["--config", str(config), "--columns", str(columns)]
    # Paths are as the caller gave them, so it runs where the caller does.
    if subprocess.run(command, check=False).returncode:
        raise TrainingError("the benchmark of units never seen failed", where="training.benchmark_catalog")
    return report.with_suffix(".json")


_Goal = tuple[str, str, str]


def of_scores(
    scores: NDArray[np.float32], held: NDArray[np.bool_], labels: NDArray[np.int64], dispatcher: Dispatcher
) -> Iterator[_Goal]:
    """Yield accuracy, what the artifact's own policy lets pass, and the calibration error."""
    layout = dispatcher.experts.head.layout
    ranks, first, confidence = right_ranks(scores, labels), scores.argmax(axis=1), scores.max(axis=1)
    yield "top-1 / top-3", "80% / 92%", f"{top_k_accuracy(ranks, 1):.1%} / {top_k_accuracy(ranks, 3):.1%}"
    passed = np.array(
        [
            dispatcher.policy.level(score, layout.units[row], LEVELS[layout.level_of[row]].value, held=kept)
            is Level.AUTO
            for score, row, kept in zip(confidence.tolist(), first.tolist(), held.tolist(), strict=True)
        ]
    )
    right = ranks == 1
    precise = f"{right[passed].mean():.1%}" if passed.any() else "–"
    yield "share at `auto`, promised 95%; its precision", "65%; 94.5%", f"{passed.mean():.1%}; {precise}"
    interval = calibration_error_interval(confidence, right)
    error = expected_calibration_error(confidence, right)
    yield "ECE (95% interval)", "at most 0.03", f"{error:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def of_catalog(report: Path) -> Iterator[_Goal]:
    """Yield what a model does with units that it never saw."""
    units, families, before, after = json.loads(report.read_text("utf-8"))["rows"]
    yield f"{units['units']} units held out of known families, top-3", "85%", f"{units['top3']:.1%}"
    yield "15 whole families held out, top-3", "60%", f"{families['top3']:.1%}"
    lost = [100 * (before[key] - after[key]) for key in ("top1", "top3")]
    yield "others lose, top-1 / top-3", "at most 0.5 points", " / ".join(f"{points:.1f}" for points in lost)


def of_districts(dispatcher: Dispatcher, tickets: Tickets) -> _Goal:
    """Compare the district found in a ticket with that of its unit, where it has one."""
    gazetteer = tickets.catalog.gazetteer
    total = right = wrong = 0
    for item, label in zip(tickets.test.inputs, tickets.test.labels.tolist(), strict=True):
        unit = tickets.catalog.departments[tickets.units[label]]
        district = gazetteer.district_of(unit.jurisdiction)
        if district is None:
            continue
        placed = dispatcher.experts.places.resolver.read(item.ticket, item.normalised).placed
        same = district in placed.path
        total += 1
        right += same
        wrong += placed.status is PlaceStatus.RESOLVED and not same
    share = f"{right / total:.1%}; {wrong / total:.1%}" if total else "–"
    return f"district of {total} tickets: right; silently wrong", "92%; at most 3%", share


def of_suite() -> _Goal:
    """Measure the place resolver on the hand-written cases."""
    cases = yaml.safe_load((_ROOT / bench_places.SUITE).read_text("utf-8"))
    right, wrong, _, _ = bench_places.measure(bench_places.ours({case["city"] for case in cases}), cases)
    return (
        f"places suite, {len(cases)} cases: right; silently wrong",
        "97%; none",
        f"{right:.1%}; {wrong:.1%}",
    )


def of_reasons(dispatcher: Dispatcher, tickets: Tickets) -> _Goal:
    """Time the reasons for three candidates against all else that a ticket takes, batch by batch in turn."""
    explainer = Explainer(dispatcher.catalog, dispatcher.experts.lexical)
    row = {code: number for number, code in enumerate(dispatcher.experts.head.layout.units)}
    whole = reasons = 0.0
    for start in range(0, min(_TIMED, len(tickets.test)), _BATCH):
        inputs = tickets.test.inputs[start : start + _BATCH]
        begin = time.perf_counter()
        decisions = dispatcher.score([item.ticket for item in inputs])
        whole += time.perf_counter() - begin
        words = dispatcher.experts.read_words(inputs)
        begin = time.perf_counter()
        for item, read, decision in zip(inputs, words, decisions, strict=True):
            for unit in (candidate.department for candidate in decision.candidates):
                explainer.reasons(item, read, unit, row[unit.code], decision.jurisdiction, None)
        reasons += time.perf_counter() - begin
    return "reasons, of a ticket's time", "at most 10%", f"{reasons / (whole - reasons):.1%}"
