"""What is counted and timed while the service works.

Labels come from closed sets: routes as they are declared, methods, statuses, stages, levels and names of
problems. No label holds an id, a unit, an address or anything else that a ticket or a caller says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import product
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from model.decision import AnsweredBy, Decision, Level

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TICKETS = (1, 2, 4, 8, 16, 32, 64, 128)
_CHARACTERS = (50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Stage(StrEnum):
    """A part of a ticket's way through the service."""

    QUEUE = "queue"  # one ticket, until its batch begins
    MODEL = "model"  # one batch, in the model
    LOOKUP = "lookup"  # one batch, until it is known which of its tickets are answered already
    STORE = "store"  # one batch, until the database or the write-ahead file has its decisions


class Meters:
    """The meters of one application, in a registry of their own: two applications do not mix.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "paidan_request_seconds",
            "Time from a request's head to its last byte, by route, method and status.",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._problems = Counter(
            "paidan_problems", "Requests answered by a problem, by its name.", ["problem"], registry=registry
        )
        self._stages = Histogram(
            "paidan_stage_seconds",
            "Time in a stage: a ticket's in the queue, a batch's in the others.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._batch_tickets = Histogram(
            "paidan_batch_tickets", "Tickets in a batch.", buckets=_TICKETS, registry=registry
        )
        self._batch_characters = Histogram(
            "paidan_batch_characters",
            "Characters in a batch; their sum is all that was read.",
            buckets=_CHARACTERS,
            registry=registry,
        )
        self._batches_failed = Counter(
            "paidan_batches_failed", "Batches that the model failed on.", registry=registry
        )
        self._decisions = Counter(
            "paidan_decisions",
            "Tickets answered, by level and by what the decision rests on.",
            ["level", "answered_by"],
            registry=registry,
        )
        self._degraded = Counter(
            "paidan_degraded", "Tickets answered by the rules alone, for want of time.", registry=registry
        )
        self._not_kept = Counter(
            "paidan_decisions_not_kept",
            "Decisions that are in no database and no file: both had no room for them.",
            registry=registry,
        )
        ProcessCollector(registry=registry)
        for stage in Stage:  # a series that is there from the start can be alerted on
            self._stages.labels(stage.value)
        for level, by in product(Level, AnsweredBy):
            self._decisions.labels(level.value, by.value)

    def request_ended(
        self, route: str, method: str, status: int | None, seconds: float, problem: str | None
    ) -> None:
        """Count a request; `route` is the declared path, never the address asked for.

        `status` is None if no answer was begun, `problem` the name of the problem that was answered.
        """
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, "none" if status is None else str(int(status))).observe(seconds)
        if problem is not None:
            self._problems.labels(problem).inc()

    @contextmanager
    def timing(self, stage: Stage) -> Iterator[None]:
        """Time the block as a stage, also if it raises."""
        started = perf_counter()
        try:
            yield
        finally:
            self._stages.labels(stage.value).observe(perf_counter() - started)

    def batch_begun(self, waited: list[float], characters: int) -> None:
        """Count a batch: the seconds that each of its tickets waited, and what there is to read."""
        for seconds in waited:
            self._stages.labels(Stage.QUEUE.value).observe(seconds)
        self._batch_tickets.observe(len(waited))
        self._batch_characters.observe(characters)

    def batch_failed(self) -> None:
        """Count a batch that the model failed on."""
        self._batches_failed.inc()

    def answered(self, decision: Decision) -> None:
        """Count a decision that its caller gets."""
        self._decisions.labels(decision.level.value, decision.answered_by.value).inc()
        if decision.degraded:
            self._degraded.inc()

    def not_kept(self, decisions: int) -> None:
        """Count decisions that could not be kept."""
        self._not_kept.inc(decisions)
