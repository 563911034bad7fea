"""The load generator, a process of its own: `python -m training.serving_bench.generator JOB RESULT`.

Imports nothing heavy. While it runs it prints how many requests are answered, a number a line. A job with
neither `count` nor `arrivals` goes on until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, cycle
from pathlib import Path
from time import perf_counter

from training.serving_bench.wire import Pool, request_bytes

NUMBER = "#########"
"""Stands in a body for the number of the request, so that no two requests are the same."""

FAILED = 0
"""Status of a request that got no answer."""

REFUSED = 429
_ASKED_AGAIN, _PATIENCE = 0.1, 60.0
_TOLD_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: `bodies` in turn, NUMBER in them replaced.

    Either `callers` that each wait for an answer before they send the next, `count` requests in all (None:
    until told to stop), and that ask again soon what is refused; or requests at the moments `arrivals`, in
    seconds from the start, whatever is answered. `warm_up` bodies are sent first by all callers and not
    measured. The first match of the regular expression `pick` in each 200 answer is kept.
    """

    port: int
    path: str
    bodies: list[str]
    warm_up: list[str] = field(default_factory=list)
    callers: int = 1
    count: int | None = None
    arrivals: list[float] | None = None
    pick: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came back, request by request in the order they ended.

    `latencies` are in seconds; in an open loop from the moment that was scheduled, so that a request which
    the generator sent late is not forgiven. `late` is the longest such delay. `again` counts what patient
    callers asked again. `cpu` is the generator's own processor time.
    """

    seconds: float
    cpu: float
    late: float
    again: int
    statuses: list[int]
    latencies: list[float]
    picked: list[str | None]

    @property
    def answered(self) -> list[float]:
        """Return the latencies of the requests that were answered 200."""
        return self.of_status(200)

    def of_status(self, status: int) -> list[float]:
        """Return the latencies of the requests that got a status."""
        return [value for value, got in zip(self.latencies, self.statuses, strict=True) if got == status]


class _Recorder:
    def __init__(self, job: Job) -> None:
        self.pool = Pool(job.port)
        self._pick = re.compile(job.pick.encode()) if job.pick else None
        self.started = perf_counter()
        self.again = 0
        self.statuses: list[int] = []
        self.latencies: list[float] = []
        self.picked: list[str | None] = []

    async def ask(self, request: bytes, since: float) -> None:
        """Send a request and note what comes."""
        status, body = await self._send(request)
        self._note(status, body, since)

    async def insist(self, request: bytes) -> None:
        """Send a request, again if it is refused, and note what comes in the end."""
        since = perf_counter()
        while True:
            status, body = await self._send(request)
            if status != REFUSED or perf_counter() - since > _PATIENCE:
                break
            self.again += 1
            await asyncio.sleep(_ASKED_AGAIN)
        self._note(status, body, since)

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        try:
            answer = await self.pool.send(request)
        except OSError:
            return FAILED, b""
        return answer.status, answer.body

    def _note(self, status: int, body: bytes, since: float) -> None:
        found = self._pick.search(body) if self._pick is not None and status == 200 else None
        self.statuses.append(status)
        self.latencies.append(perf_counter() - since)
        self.picked.append(found[0].decode() if found is not None else None)


def _requests(job: Job, bodies: list[str], numbers: Iterator[int]) -> Iterator[bytes]:
    """Give requests without end."""
    marker = NUMBER.encode()
    whole = [request_bytes(job.path, body.encode()) for body in bodies]
    for request in cycle(whole):
        yield request.replace(marker, b"%0*d" % (len(marker), next(numbers)), 1)


async def _closed(job: Job, recorder: _Recorder, requests: Iterator[bytes], total: int | None) -> None:
    left = iter(range(total)) if total is not None else count()
    stopped = asyncio.Event()

    async def caller() -> None:
        while not stopped.is_set() and next(left, None) is not None:
            await recorder.insist(next(requests))

    async def listen() -> None:
        await asyncio.to_thread(sys.stdin.read)
        stopped.set()

    async with asyncio.TaskGroup() as group:
        if total is None:
            group.create_task(listen())
        for _ in range(job.callers):
            group.create_task(caller())


async def _open(arrivals: list[float], recorder: _Recorder, requests: Iterator[bytes]) -> float:
    late = 0.0
    async with asyncio.TaskGroup() as group:
        for moment in arrivals:
            due = recorder.started + moment
            if (pause := due - perf_counter()) > 0:
                await asyncio.sleep(pause)
            late = max(late, perf_counter() - due)
            group.create_task(recorder.ask(next(requests), due))
    return late


async def _tell(recorder: _Recorder) -> None:
    while True:
        await asyncio.sleep(_TOLD_EVERY)
        print(len(recorder.statuses), flush=True)


async def run(job: Job) -> Result:
    """Do a job."""
    numbers = count()
    if job.warm_up:
        before = _Recorder(job)
        await _closed(job, before, _requests(job, job.warm_up, numbers), len(job.warm_up))
        before.pool.close()
    requests = _requests(job, job.bodies, numbers)
    cpu = _cpu()
    recorder = _Recorder(job)
    telling = asyncio.create_task(_tell(recorder))
    late = 0.0
    if job.arrivals is not None:
        late = await _open(job.arrivals, recorder, requests)
    else:
        await _closed(job, recorder, requests, job.count)
    seconds = perf_counter() - recorder.started
    spent = _cpu() - cpu
    telling.cancel()
    recorder.pool.close()
    return Result(
        seconds, spent, late, recorder.again, recorder.statuses, recorder.latencies, recorder.picked
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(job: Path, result: Path) -> None:
    """Read a job and write its result."""
    done = asyncio.run(run(Job(**json.loads(job.read_text("utf-8")))))
    result.write_text(json.dumps(asdict(done)), "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
