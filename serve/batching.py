"""The micro-batcher: many callers on one side, worker threads with the model on the other.

While a worker scores a batch, what comes in waits; when it is done, it takes what waits. An idle service
scores at once, a busy one in full batches, and nobody has to guess how long to linger. As many batches are
worked on as the encoder runs side by side, and one more when it is full: it is read, or its decisions are
written down, while the others have the encoder. After LitServe's BatchedLoop (a failed batch fails each
request in it, outputs are counted) and text-embeddings-inference (the queue is bounded in the size of its
texts).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

import structlog

from data.tickets.ticket import Ticket
from model.decision import Decision
from model.machine import available_cores
from serve.errors import DeadlinePassed, NotReady, Problem, QueueFull, ScoringFailed
from serve.logs import current_request, describe_error
from serve.metrics.meters import Meters
from serve.scorer import Scorer
from serve.settings import ServeSettings
from serve.waiting import Waiting, WaitingRoom

log = structlog.get_logger(__name__)

_MEMORY = 0.8
"""Weight of the past in what is known of the speed, at each batch."""

_LONGEST_RETRY = 60.0


class WrongOutputError(Exception):
    """The model did not give one decision a ticket, in order."""


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many tickets of single and of bulk calls wait, and their characters."""

    single: int
    bulk: int
    characters: int


class MicroBatcher:
    """Scores the tickets of many callers in batches.

    All methods run on one event loop. Every caller gets a decision or a Problem: when the batch fails, when
    the deadline passes, and when the service stops.
    """

    def __init__(self, scorer: Scorer, settings: ServeSettings, meters: Meters | None = None) -> None:
        self._scorer = scorer
        self._meters = meters if meters is not None else Meters()
        self._settings = settings
        self._fallback: Callable[[Ticket], Decision] | None = getattr(scorer, "fallback", None)
        self._room = WaitingRoom(settings.max_batch_size)
        self._wake = asyncio.Event()
        self._accepting = False
        self._bulk_calls = 0
        self._scored = 0.0  # characters, and the seconds they took; older ones count ever less
        self._took = 0.0
        self._loop_task: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()
        self._ahead = 0  # characters of the batches that are worked on
        self._last_done = 0.0
        self._workers = ThreadPoolExecutor(available_cores() + 1, "paidan-scorer")
        self._fallback_worker = ThreadPoolExecutor(1, "paidan-fallback")

    @property
    def accepting(self) -> bool:
        """Tell whether tickets are taken in."""
        return self._accepting

    @property
    def waiting(self) -> QueueLength:
        """Return how long the queue is."""
        return QueueLength(len(self._room.single), len(self._room.bulk), self._room.characters)

    async def start(self) -> None:
        """Begin to score."""
        self._accepting = True
        self._loop_task = asyncio.create_task(self._run(), name="paidan-batcher")

    async def stop(self) -> None:
        """Take nothing more in, score what waits, and give up on it when that takes too long."""
        self._accepting = False
        self._wake.set()
        if self._loop_task is not None:
            done, _ = await asyncio.wait({self._loop_task}, timeout=self._settings.drain_seconds)
            if not done:
                log.warning("drain_given_up", waiting=len(self._room.single) + len(self._room.bulk))
                self._loop_task.cancel()
                await asyncio.wait({self._loop_task})
        for executor in (self._workers, self._fallback_worker):
            executor.shutdown(wait=False, cancel_futures=True)

    async def score(self, ticket: Ticket, top_k: int, seconds: float | None = None) -> Decision:
        """Return the decision on one ticket, within so many seconds; `deadline_seconds` if left out.

        Raises:
            QueueFull: more waits than is answered in time.
            ScoringFailed: the batch that the ticket was in failed.
            DeadlinePassed: the ticket waited too long, and the model has no fallback.
            NotReady: the service is starting or stopping.
        """
        self._admit(ticket)
        return await self._decide(ticket, top_k, seconds, bulk=False)

    async def score_many(
        self, requests: Sequence[tuple[Ticket, int]], seconds: float | None = None
    ) -> list[Decision]:
        """Return the decisions on many tickets, each with its own top_k, in order.

        Only `bulk_piece` of them are in the queue at a time, behind the tickets of single calls. Raises as
        `score` does; one ticket that fails fails the call.
        """
        if self._bulk_calls >= self._settings.max_bulk_calls:
            raise QueueFull(self._seconds_to_drain())
        self._bulk_calls += 1
        turn = asyncio.Semaphore(self._settings.bulk_piece)
        decisions: dict[int, Decision] = {}

        async def one(index: int) -> None:
            async with turn:
                decisions[index] = await self._decide(*requests[index], seconds, bulk=True)

        try:
            async with asyncio.TaskGroup() as group:
                for index in sorted(range(len(requests)), key=lambda i: len(requests[i][0].text)):
                    group.create_task(one(index))
        except* Problem as failed:
            raise failed.exceptions[0] from None
        finally:
            self._bulk_calls -= 1
        return [decisions[index] for index in range(len(requests))]

    def _admit(self, ticket: Ticket) -> None:
        """Raise QueueFull if a ticket would be over the budget, or late at the rate measured so far.

        Whatever its length, it is admitted when nothing else waits.
        """
        waiting = self._room.single.characters
        if not waiting:
            return
        ahead = waiting + len(ticket.text)
        rate = self._rate
        late = rate is not None and self._ahead + ahead > rate * self._settings.queue_seconds
        if late or ahead > self._settings.queue_characters:
            raise QueueFull(self._seconds_to_drain())

    async def _decide(self, ticket: Ticket, top_k: int, seconds: float | None, *, bulk: bool) -> Decision:
        seconds = self._settings.deadline_seconds if seconds is None else seconds
        if not self._accepting:
            raise NotReady()
        item = Waiting(ticket, top_k, asyncio.get_running_loop().create_future(), current_request())
        lane = self._room.lane(bulk=bulk)
        lane.add(item)
        self._wake.set()
        try:
            async with asyncio.timeout(seconds):
                decision = await item.future
        except TimeoutError:
            decision = await self._fall_back(ticket, seconds)
        finally:  # if the client is gone or the deadline passed, what still waits need not be scored
            lane.discard(item)
        self._meters.answered(decision)
        return decision

    async def _fall_back(self, ticket: Ticket, seconds: float) -> Decision:
        if self._fallback is None:
            raise DeadlinePassed(seconds)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._fallback_worker, self._fallback, ticket)
        except Exception as error:
            log.error("fallback_failed", request_id=current_request(), **describe_error(error))
            raise DeadlinePassed(seconds) from None

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._may_begin() and (batch := self._room.take()):
                    task = asyncio.create_task(self._score_batch(batch))
                    self._batches.add(task)
                    task.add_done_callback(self._end)
                if not self._accepting and not self._batches:
                    return
        finally:
            self._accepting = False
            for task in self._batches:
                task.cancel()
            await asyncio.gather(*self._batches, return_exceptions=True)
            for item in self._room.take_all():
                _fail(item, NotReady())

    def _may_begin(self) -> bool:
        """Tell whether a batch may begin: if the encoder has room for it, or a full one waits beside.

        One that is not full would gain nothing by beginning early, and what comes in could still join it.
        """
        room = getattr(self._scorer, "side_by_side", 1)
        return len(self._batches) < room or (len(self._batches) == room and self._room.holds_full_batch)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._wake.set()

    async def _score_batch(self, batch: list[Waiting]) -> None:
        tickets = [item.ticket for item in batch]
        characters = sum(item.characters for item in batch)
        started = monotonic()
        self._ahead += characters
        self._meters.batch_begun([started - item.arrived for item in batch], characters)
        loop = asyncio.get_running_loop()
        try:
            decisions = await loop.run_in_executor(self._workers, self._call, tickets, batch[0].top_k)
        except asyncio.CancelledError:  # the shutdown took too long
            for item in batch:
                _fail(item, NotReady())
            raise
        except Exception as error:
            self._meters.batch_failed()
            requests = sorted({item.request_id for item in batch if item.request_id is not None})
            log.error("batch_failed", tickets=len(batch), requests=requests, **describe_error(error))
            for item in batch:
                _fail(item, ScoringFailed())
            return
        finally:
            self._ahead -= characters
        for item, decision in zip(batch, decisions, strict=True):
            if not item.future.done():
                item.future.set_result(decision)
        done = monotonic()
        self._measure(characters, done - max(started, self._last_done))
        self._last_done = done

    def _call(self, tickets: list[Ticket], top_k: int) -> list[Decision]:
        decisions = self._scorer.score(tickets, top_k=top_k)
        if [decision.ticket_id for decision in decisions] != [ticket.ticket_id for ticket in tickets]:
            raise WrongOutputError()
        return decisions

    def _measure(self, characters: int, seconds: float) -> None:
        # Of two batches side by side the second may end a moment after the first. An average of the rates
        # would take that for speed; sums do not.
        self._scored = _MEMORY * self._scored + characters
        self._took = _MEMORY * self._took + seconds

    @property
    def _rate(self) -> float | None:
        """Return the characters scored a second, as measured so far; None before the first batch."""
        return self._scored / max(self._took, 1e-6) if self._scored else None

    def _seconds_to_drain(self) -> float:
        """Return how long it takes to score what waits, at the rate measured so far."""
        rate = self._rate
        if rate is None:
            return 1.0
        return min((self._room.characters + self._ahead) / rate, _LONGEST_RETRY)


def _fail(item: Waiting, problem: Problem) -> None:
    if not item.future.done():
        item.future.set_exception(problem)
