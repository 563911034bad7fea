"""A scorer that remembers: every decision is in the store before its caller has it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from data.tickets.ticket import Ticket
from model.decision import Decision, Level, Versions
from serve.logs import describe_error
from serve.metrics.meters import Meters, Stage
from serve.scorer import Scorer
from serve.store.base import now
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.recorded import RecordedDecision, decision_of, input_hash, row_of
from serve.store.reviews import AutoStop
from serve.store.write_ahead import WriteAheadFile
from serve.store.writing import DecisionTable

log = structlog.get_logger(__name__)

UNRECORDED = "page-"
"""Tickets whose id begins so were typed into the page at `/`: nobody will dispatch them."""

_STOPS_SECONDS = 2.0
_LATE_SECONDS = 0.5
"""So long the database may take over a ticket that is late already."""
_AT_A_TIME = 200
_MOST_ASIDE = 1000
"""So many of the decisions in the write-ahead file are remembered for who asks again."""


class RecordingScorer:
    """Wraps a scorer. Answers are in the store, or in the write-ahead file while the store is down.

    Whatever the store raises, it counts as down and the answer stands: no connection, no free one, a full
    disk, a damaged file or row.

    A ticket that comes again with the same words gets the stored answer, whatever `top_k` it asks for; with
    other words it is a new revision, and what waits for review of the old one is withdrawn.
    """

    def __init__(
        self,
        scorer: Scorer,
        store: Store,
        waiting: WriteAheadFile,
        dispatching: Dispatching,
        meters: Meters | None = None,
    ) -> None:
        self._meters = meters if meters is not None else Meters()
        self._scorer = scorer
        self._store = store
        self._waiting = waiting
        self._table = DecisionTable(store, dispatching)
        self._dispatching = dispatching
        self._stops: frozenset[str | None] = frozenset()
        self._stops_until = 0.0
        self._writing = Lock()
        self._beside = ThreadPoolExecutor(1, "paidan-late")
        self._setting_aside = Lock()
        self._aside: dict[str, tuple[str, RecordedDecision]] = {}  # by ticket, with the hash of its words
        self._late: Future[list[Decision] | None] | None = None
        self.down = False

    def __getattr__(self, name: str) -> Any:
        """Give what the scorer has besides: its catalog, its columns."""
        return getattr(self._scorer, name)

    @property
    def versions(self) -> Versions:
        """Return the versions of what answers."""
        return self._scorer.versions

    @property
    def backlog(self) -> int:
        """Return how many decisions wait in the write-ahead file."""
        return len(self._waiting)

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order; those already in the store are not scored again."""
        with self._meters.timing(Stage.LOOKUP):
            known = self._known(tickets)
        new = [i for i in range(len(tickets)) if i not in known]
        found: dict[int, Decision] = dict(known)
        if new:
            scored = self._scorer.score([tickets[i] for i in new], top_k=top_k)
            with self._meters.timing(Stage.STORE):
                recorded = self._record([(tickets[i], d) for i, d in zip(new, scored, strict=True)])
            found |= dict(zip(new, recorded, strict=True))
        return [found[i] for i in range(len(tickets))]

    def fallback(self, ticket: Ticket) -> Decision:
        """Answer by the rules alone, and remember that, too, soon: its caller's time is up.

        A database that is slow or locked is not waited for: after half a second the decision goes to the
        write-ahead file. Should the database take it after all, it is kept there once.
        """
        decided = [(ticket, self._scorer.fallback(ticket))]  # type: ignore[attr-defined]
        rows = self._rows(decided)
        if self._late is None or self._late.done():  # else the database hangs on another late one
            self._late = self._beside.submit(self._store_late, decided, rows)
            try:
                stored = self._late.result(_LATE_SECONDS)
            except TimeoutError:
                log.warning("store_slow")
            else:
                if stored is not None:
                    return stored[0]
        return self._set_aside(decided, rows)[0]

    def _store_late(
        self, decided: Sequence[tuple[Ticket, Decision]], rows: dict[int, dict[str, Any]]
    ) -> list[Decision] | None:
        """Return what is stored of late tickets, or store it; None if the store takes nothing now."""
        known = self._known([ticket for ticket, _ in decided])
        if known:
            return list(known.values())
        return self._store_now(decided, rows)

    def close(self) -> None:
        """End what still waits for the database; nothing is lost by it."""
        self._beside.shutdown(wait=False, cancel_futures=True)

    def catch_up(self) -> bool:
        """Bring waiting decisions into the store, oldest first; False if it is still down."""
        while rows := self._waiting.read(_AT_A_TIME):
            try:
                self._table.write_each(rows)
            except (SQLAlchemyError, OSError) as error:
                self._fell(error)
                return False
            self._waiting.forget(len(rows))
        with self._setting_aside:
            if not self._waiting:
                self._aside.clear()
        if self.down:
            log.info("store_back")
            self.down = False
        return True

    def _known(self, tickets: Sequence[Ticket]) -> dict[int, RecordedDecision]:
        """Return the stored answers of tickets that came before with the same words, by their index."""
        if self.down:
            return {}
        try:
            latest = self._table.latest([ticket.ticket_id for ticket in tickets])
            return {
                i: decision_of(row.answer)
                for i, ticket in enumerate(tickets)
                if (row := latest.get(ticket.ticket_id)) is not None
                and row.answer is not None
                and row.input_sha256 == input_hash(ticket)
            }
        except Exception as error:
            self._fell(error)
            return {}

    def _record(self, decided: Sequence[tuple[Ticket, Decision]]) -> list[Decision]:
        decided = [(ticket, self._stopped(decision)) for ticket, decision in decided]
        rows = self._rows(decided)
        stored = self._store_now(decided, rows)
        return stored if stored is not None else self._set_aside(decided, rows)

    def _rows(self, decided: Sequence[tuple[Ticket, Decision]]) -> dict[int, dict[str, Any]]:
        """Return what to keep of decisions, by their index; nothing of what was typed into the page."""
        at = now()
        gazetteer = getattr(getattr(self._scorer, "catalog", None), "gazetteer", None)
        return {
            i: row_of(
                ticket,
                decision,
                gazetteer,
                at,
                audited=decision.level is Level.AUTO and self._dispatching.draws(ticket),
            )
            for i, (ticket, decision) in enumerate(decided)
            if not ticket.ticket_id.startswith(UNRECORDED)
        }

    def _store_now(
        self, decided: Sequence[tuple[Ticket, Decision]], rows: dict[int, dict[str, Any]]
    ) -> list[Decision] | None:
        """Bring decisions into the database; None if it takes nothing now."""
        # While older decisions wait in the file, newer ones queue behind them: revisions keep their order.
        if rows and (self.down or self._waiting):
            return None
        kept: dict[int, RecordedDecision | None] = {}
        if rows:
            try:
                # SQLite takes one writer at a time, and a second one would sleep for longer than it must.
                with self._writing:
                    kept = dict(zip(rows, self._table.write(list(rows.values())), strict=True))
            except Exception as error:
                self._fell(error)
                return None
        return [
            kept.get(i) or RecordedDecision.of(decision, stored=i in rows)
            for i, (_, decision) in enumerate(decided)
        ]

    def _set_aside(
        self, decided: Sequence[tuple[Ticket, Decision]], rows: dict[int, dict[str, Any]]
    ) -> list[Decision]:
        """Let decisions wait in the write-ahead file; who asks again meanwhile gets the answer that waits."""
        answers: list[Decision] = []
        new: list[dict[str, Any]] = []
        with self._setting_aside:
            for i, (ticket, decision) in enumerate(decided):
                digest, told = self._aside.get(ticket.ticket_id, ("", None))
                if i not in rows or told is None or digest != input_hash(ticket):
                    told = RecordedDecision.of(decision, stored=False)
                    if i in rows:
                        new.append(rows[i])
                        self._aside[ticket.ticket_id] = input_hash(ticket), told
                answers.append(told)
            while len(self._aside) > _MOST_ASIDE:
                del self._aside[next(iter(self._aside))]
            if new and not self._waiting.append(new):
                self._meters.not_kept(len(new))
                log.error("decisions_not_kept", tickets=len(new))
        return answers

    def _stopped(self, decision: Decision) -> Decision:
        """Lower `auto` where a desk lead stopped it."""
        if decision.level is not Level.AUTO:
            return decision
        stops = self._active_stops()
        if None in stops or (decision.candidates and decision.candidates[0].department.code in stops):
            return replace(decision, level=Level.PRESELECT)
        return decision

    def _active_stops(self) -> frozenset[str | None]:
        if not self.down and monotonic() >= self._stops_until:
            try:
                with self._store.transaction() as session:
                    found = session.scalars(select(AutoStop.unit).where(AutoStop.lifted_at.is_(None)))
                    self._stops = frozenset(found)
                    self._stops_until = monotonic() + _STOPS_SECONDS
            except Exception as error:
                self._fell(error)
        return self._stops

    def _fell(self, error: Exception) -> None:
        if not self.down:
            log.error("store_down", **describe_error(error))
        self.down = True
