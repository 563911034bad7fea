"""What is done to the servers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import sleep

from training.serving_bench.errors import BenchmarkError
from training.serving_bench.figures import percentile, poisson_arrivals
from training.serving_bench.generator import Job, Result
from training.serving_bench.load import generate
from training.serving_bench.processes import Server
from training.serving_bench.systems import System

CALLERS = 32
STEADY, OVER = 0.7, 4.0
"""Shares of the measured capacity at which requests arrive."""

_DEGRADED = '"degraded":(?:true|false)'
_UNIT = '"ticket_id":"([^"]*)".*?"code":"([^"]*)".*"answered_by":"([^"]*)"'
_ENCODER = "model"
_RULES = "rules"
_SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    texts: int
    warm_up: int
    lone: int
    steady_seconds: float
    over_seconds: float
    starts: int
    swaps: int


FULL = Sizes(texts=2000, warm_up=128, lone=200, steady_seconds=60, over_seconds=60, starts=3, swaps=100)
QUICK = Sizes(texts=96, warm_up=32, lone=16, steady_seconds=3, over_seconds=3, starts=1, swaps=2)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds of the requests of one kind; NaN if there was none."""

    count: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latencies:
        """Summarise latencies given in seconds."""
        values = [1000 * value for value in seconds]
        return cls(len(values), percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0))


@dataclass(frozen=True, slots=True)
class Throughput:
    """A system under callers that ask again as soon as they are answered.

    `rate` is in answers of a model a second, `memory` in bytes; `again` counts what was refused and sent
    again; `generator` is the share of all cores that the load generator took. Of Paidan's answers, `units`
    are the first unit of each ticket by its id, and `encoded` is the share that the encoder took part in.
    """

    rate: float
    latencies: Latencies
    failed: int
    again: int
    memory: int
    generator: float
    units: Mapping[str, str]
    encoded: float


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A system under requests that arrive at a rate of their own.

    `refused` are those answered 429, `degraded` those of `accepted` that only the rules answered, `failed`
    all others. `late` is the longest time in milliseconds that the generator was behind its schedule.
    """

    offered: float
    accepted: Latencies
    refused: Latencies
    degraded: int
    failed: int
    memory_before: int
    memory_after: int
    generator: float
    late: float


def start_times(system: System, times: int) -> tuple[float, int, bool]:
    """Return the median seconds from start to ready, the bytes resident then, and whether torch is loaded."""
    seconds, memory, torch = [], [], False
    for _ in range(times):
        with system.server() as server:
            seconds.append(server.ready_seconds)
            memory.append(server.memory())
            torch = torch or server.holds_library("libtorch")
    return median(seconds), int(median(memory)), torch


def throughput(
    system: System, server: Server, texts: Sequence[str], warm_up: Sequence[str], *, callers: int = CALLERS
) -> Throughput:
    """Send every text once, by so many callers.

    Raises:
        BenchmarkError: none was answered.
    """
    job = Job(
        port=server.port,
        path=system.path,
        bodies=_bodies(system, texts, f"c{callers}"),
        warm_up=_bodies(system, warm_up, f"w{callers}"),
        callers=callers,
        count=len(texts),
        pick=_UNIT,
    )
    result = generate(f"{system.name}, {callers} callers", job)
    answered = result.answered
    if not answered:
        statuses = ", ".join(map(str, sorted(set(result.statuses))))
        raise BenchmarkError(f"no request was answered (status {statuses})", where=system.name)
    read = [match.groups() for piece in result.picked if piece and (match := re.match(_UNIT, piece))]
    late = sum(by == _RULES for *_, by in read)  # past their deadline the rules answered: no model's work
    return Throughput(
        rate=(len(answered) - late) / result.seconds,
        latencies=Latencies.of(answered),
        failed=len(result.statuses) - len(answered) + late,
        again=result.again,
        memory=server.memory(),
        generator=_share(result),
        units={ticket: unit for ticket, unit, _ in read},
        encoded=sum(by == _ENCODER for *_, by in read) / max(1, len(read)),
    )


def arrivals(
    system: System, server: Server, texts: Sequence[str], *, rate: float, seconds: float, seed: int
) -> Arrivals:
    """Send texts in turn at the moments of a Poisson process, whether or not earlier ones are answered."""
    before = server.memory()
    job = Job(
        port=server.port,
        path=system.path,
        bodies=_bodies(system, texts, f"r{rate:.0f}"),
        arrivals=poisson_arrivals(rate, seconds, seed),
        pick=_DEGRADED,
    )
    result = generate(f"{system.name}, {rate:.0f} arrivals a second", job)
    sleep(_SETTLE_SECONDS)
    accepted, refused = result.answered, result.of_status(429)
    return Arrivals(
        offered=rate,
        accepted=Latencies.of(accepted),
        refused=Latencies.of(refused),
        degraded=sum(value is not None and value.endswith("true") for value in result.picked),
        failed=len(result.statuses) - len(accepted) - len(refused),
        memory_before=before,
        memory_after=server.memory(),
        generator=_share(result),
        late=1000 * result.late,
    )


def _bodies(system: System, texts: Sequence[str], part: str) -> list[str]:
    return [system.body(text, part) for text in texts]


def _share(result: Result) -> float:
    return result.cpu / result.seconds / len(os.sched_getaffinity(0))
