"""One run: everything measured, one part after the other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data.errors import PaidanError
from model import artifact as artifacts
from training.progress import say, step
from training.serving_bench import systems
from training.serving_bench.errors import BenchmarkError, last_words
from training.serving_bench.figures import EncoderShape, percentile
from training.serving_bench.report import Measurements, Start
from training.serving_bench.scenarios import (
    OVER,
    STEADY,
    Arrivals,
    Sizes,
    Throughput,
    arrivals,
    start_times,
    throughput,
)
from training.serving_bench.swap import Swaps, swap_under_load
from training.serving_bench.systems import Place, System
from training.serving_bench.texts import Text, choose, read_pool

SEED = 11
PEERS = "peers"
"""Folder below the kept one with the peers' environments."""

_PAIDAN = "Paidan"
_ROWS = 16
"""Texts of the median length that the machine's own matrix products hold: a full batch."""

T = TypeVar("T")


def measure(
    artifact: Path, pool: Path, work: Path, folder: Path, sizes: Sizes, *, peers: bool
) -> Measurements:
    """Do the whole run; `folder` is for its own files, `work` for what the next one can use again."""
    artifact, work = artifact.resolve(), work.resolve()
    manifest = artifacts.open_artifact(artifact)
    place = Place(
        artifact,
        checkpoint=work / "checkpoint" / manifest.model_version,
        work=folder,
        logs=work / "logs",
        environments=work / PEERS,
    )
    place.logs.mkdir(exist_ok=True)
    with step("preparing texts and the peers' checkpoint"):
        found = read_pool(pool, artifact / artifacts.TOKENIZER, manifest.encoder["max_tokens"])
        chosen = choose(found, sizes.texts + sizes.warm_up, SEED)
        tokens = [text.tokens for text in chosen[: sizes.texts]]
        texts, warm_up = _strings(chosen[: sizes.texts]), _strings(chosen[sizes.texts :])
        if not place.checkpoint.is_dir():
            shutil.rmtree(place.checkpoint.parent, ignore_errors=True)  # of an artifact that is no more
            scratch = folder / "checkpoint"
            _module("checkpoint", str(artifact), str(scratch))
            place.checkpoint.parent.mkdir()
            scratch.replace(place.checkpoint)
    shape = EncoderShape.read(place.checkpoint / systems.ENCODER)
    rate = [str(_ROWS * int(percentile(tokens, 0.5))), str(shape.hidden), str(shape.intermediate)]

    with step("multiplying matrices"):
        before = float(_module("rates", "matrices", *rate))
    plain = systems.paidan(place, _PAIDAN, systems.PLAIN)
    with step("starting the service"):
        start = _attempt(lambda: Start(*start_times(plain, sizes.starts)))
    with step("loading the service"):
        lone, full, steady, over = _loaded(plain, texts, warm_up, sizes)
    with step("the same with cascade and cache"):
        cascade = _with_cascade(place, texts, warm_up)
    measured: dict[str, Throughput | str] = {}
    for system in (systems.fastapi_pipeline(place), systems.litserve(place), systems.infinity(place)):
        if not peers:
            measured[system.name] = "left out"
            continue
        with step(system.name):
            measured[system.name] = _attempt(lambda system=system: _full(system, texts, warm_up))  # type: ignore[misc]
    with step("the encoder alone"):
        listed = folder / "texts.json"
        in_order = sorted(chosen[: sizes.texts], key=lambda text: text.tokens)
        listed.write_text(json.dumps(_strings(in_order)), "utf-8")
        alone = _attempt(lambda: float(_module("rates", "encoder", str(artifact), str(listed))))
    swaps: Swaps | str
    with step("swapping artifacts under load"):
        swaps = _attempt(lambda: swap_under_load(place, texts, sizes.swaps))
    with step("multiplying matrices again"):
        after = float(_module("rates", "matrices", *rate))
    return Measurements(
        shape=shape,
        tokens=tokens,
        characters=[len(text) for text in texts],
        matrix=(before, after),
        start=start,
        lone=lone,
        plain=full,
        cascade=cascade,
        steady=steady,
        over=over,
        peers=measured,
        alone=alone,
        swaps=swaps,
    )


def _strings(texts: list[Text]) -> list[str]:
    return [text.text for text in texts]


def _loaded(
    system: System, texts: list[str], warm_up: list[str], sizes: Sizes
) -> tuple[Throughput | str, Throughput | str, Arrivals | str, Arrivals | str]:
    """Put one server under one caller, 32 callers, 70% and four times of what it did then."""

    def all_of_it() -> tuple[Throughput, Throughput, Arrivals, Arrivals]:
        with system.server() as server:
            lone = throughput(system, server, texts[: sizes.lone], warm_up, callers=1)
            full = throughput(system, server, texts, warm_up)
            shares = ((STEADY, sizes.steady_seconds), (OVER, sizes.over_seconds))
            steady, over = (
                arrivals(system, server, texts, rate=share * full.rate, seconds=seconds, seed=SEED)
                for share, seconds in shares
            )
        return lone, full, steady, over

    got = _attempt(all_of_it)
    return (got, got, got, got) if isinstance(got, str) else got


def _with_cascade(place: Place, texts: list[str], warm_up: list[str]) -> Throughput | str:
    system = systems.paidan(place, f"{_PAIDAN} with cascade and cache", systems.CASCADE)
    return _attempt(lambda: _full(system, texts, warm_up))


def _full(system: System, texts: list[str], warm_up: list[str]) -> Throughput:
    with system.server() as server:
        return throughput(system, server, texts, warm_up)


def _attempt(part: Callable[[], T]) -> T | str:
    """Do a part of the run; what keeps it from being measured is said in its row and stops nothing else."""
    try:
        return part()
    except PaidanError as error:
        say(f"not measured: {error}")
        return error.what  # the rest names folders of this machine


def _module(name: str, *arguments: str) -> str:
    """Run a module of ours in a process of its own, which gives its memory back; return what it prints."""
    command = [sys.executable, "-m", f"{systems.__package__}.{name}", *arguments]
    ended = subprocess.run(command, check=False, cwd=systems.ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise BenchmarkError(
            f"ended with code {ended.returncode}: {last_words(ended.stderr.splitlines())}", where=name
        )
    return ended.stdout.strip()
