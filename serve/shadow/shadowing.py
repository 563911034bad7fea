"""The candidate beside the model that serves: it gets the same tickets, later, and nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from data.errors import PaidanError
from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.live import identity
from serve.logs import describe_error
from serve.scorer import Scorer
from serve.store.base import now
from serve.store.engine import Store
from serve.store.recorded import input_hash
from serve.store.recording import UNRECORDED
from serve.store.shadows import ShadowDecision

log = structlog.get_logger(__name__)

_MOST_WAITING = 512
_AT_A_TIME = 8
_PAUSE = 0.2
_LOWER_PRIORITY = 5

Pair = tuple[Ticket, Decision]


class Shadow:
    """Watches a link for a candidate, and while there is one, lets it score what was answered.

    `offer` never blocks: what comes faster than the candidate scores is dropped and counted in `dropped`, as
    is what it failed on or the database did not take. `scored` counts the others, `differing` those of them
    that it gave to another unit. `load` makes a scorer of the artifact in a folder.
    """

    def __init__(self, folder: Path, store: Store, load: Callable[[Path], Scorer]) -> None:
        self._folder = folder
        self._store = store
        self._load = load
        self._seen: str | None = None
        self._candidate: Scorer | None = None
        self._waiting: deque[Pair] = deque()
        self._worker = ThreadPoolExecutor(1, "paidan-shadow", initializer=_step_back)
        self._task: asyncio.Task[None] | None = None
        self.scored = 0
        self.differing = 0
        self.dropped = 0

    @property
    def versions(self) -> Versions | None:
        """Return the versions of the candidate; None while there is none."""
        return self._candidate.versions if self._candidate is not None else None

    def offer(self, pairs: Sequence[Pair]) -> None:
        """Take tickets with what was answered to them."""
        if self._candidate is None:
            return
        for pair in pairs:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
            elif not pair[1].degraded and not pair[0].ticket_id.startswith(UNRECORDED):
                self._waiting.append(pair)

    def start(self, seconds: float) -> None:
        """Begin to watch, looking every so many seconds."""
        self._task = asyncio.create_task(self._run(seconds), name="paidan-shadow")

    async def stop(self) -> None:
        """End; what waits is not scored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _run(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        looked_at = -seconds
        while True:
            try:
                if monotonic() - looked_at >= seconds:
                    looked_at = monotonic()
                    await loop.run_in_executor(self._worker, self._look)
                if self._waiting:
                    await loop.run_in_executor(self._worker, self._score_some)
                    continue
            except SQLAlchemyError as error:  # the live model's answers matter; these can be lost
                log.warning("shadow_not_kept", **describe_error(error))
            except Exception as error:
                log.error("shadow_failed", **describe_error(error))
            await asyncio.sleep(_PAUSE)

    def _look(self) -> None:
        found = identity(self._folder)
        if found == self._seen:
            return
        self._seen = found
        self._waiting.clear()
        self._candidate = None
        if found is None:
            log.info("shadow_ended")
            return
        try:
            self._candidate = self._load(self._folder)
        except Exception as error:
            why = str(error) if isinstance(error, PaidanError) else None
            log.error("shadow_refused", why=why, **describe_error(error))
            return
        log.info("shadow_began", model=self._candidate.versions.model)

    def _score_some(self) -> None:
        candidate = self._candidate
        if candidate is None:
            return
        pairs = [self._waiting.popleft() for _ in range(min(_AT_A_TIME, len(self._waiting)))]
        try:
            rows = self._keep(candidate, pairs)
        except Exception:
            self.dropped += len(pairs)
            raise
        self.scored += len(rows)
        self.differing += sum(row.live_unit != row.shadow_unit for row in rows)

    def _keep(self, candidate: Scorer, pairs: Sequence[Pair]) -> list[ShadowDecision]:
        """Score tickets, and write down what came of it beside what was answered."""
        decisions = candidate.score([ticket for ticket, _ in pairs], top_k=1)
        rows = [_row(ticket, live, other) for (ticket, live), other in zip(pairs, decisions, strict=True)]
        with self._store.transaction() as session:
            # A ticket that came again, or to another process, is kept once.
            kept = {
                (row.ticket_id, row.input_sha256)
                for row in session.execute(
                    select(ShadowDecision.ticket_id, ShadowDecision.input_sha256).where(
                        ShadowDecision.ticket_id.in_([row.ticket_id for row in rows]),
                        ShadowDecision.shadow_model == candidate.versions.model,
                    )
                )
            }
            for row in rows:
                if (row.ticket_id, row.input_sha256) not in kept:
                    kept.add((row.ticket_id, row.input_sha256))
                    session.add(row)
        return rows


class ShadowingScorer:
    """Wraps the scorer that answers, and offers what it answered to a shadow."""

    def __init__(self, scorer: Scorer, shadow: Shadow) -> None:
        self._scorer = scorer
        self.shadow = shadow

    def __getattr__(self, name: str) -> Any:
        """Give what the scorer has besides."""
        return getattr(self._scorer, name)

    @property
    def versions(self) -> Versions:
        """Return the versions of what answers."""
        return self._scorer.versions

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order."""
        decisions = self._scorer.score(tickets, top_k=top_k)
        self.shadow.offer(list(zip(tickets, decisions, strict=True)))
        return decisions


def _step_back() -> None:
    """Let the other threads of the process go first; on Linux a thread has a priority of its own.

    Not by much: what waits for a core while it holds the interpreter keeps all others waiting, and on a
    machine that is busy with other work, the lowest priority waits long.
    """
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWER_PRIORITY)


def _row(ticket: Ticket, live: Decision, shadow: Decision) -> ShadowDecision:
    return ShadowDecision(
        ticket_id=ticket.ticket_id,
        input_sha256=input_hash(ticket),
        answered_at=now(),
        live_model=live.versions.model,
        live_unit=_unit(live),
        live_score=live.candidates[0].score if live.candidates else None,
        live_level=live.level.value,
        shadow_model=shadow.versions.model,
        shadow_unit=_unit(shadow),
        shadow_score=shadow.candidates[0].score if shadow.candidates else None,
        shadow_level=shadow.level.value,
    )


def _unit(decision: Decision) -> str | None:
    return decision.candidates[0].department.code if decision.candidates else None
