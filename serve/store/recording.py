"""A scorer that remembers: every decision is in the store before its caller has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from data.tickets.ticket import Ticket
from model.decision import Decision, Flag, Level, Versions
from serve.logs import describe_error
from serve.metrics.meters import Meters, Stage
from serve.scorer import Scorer
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.recorded import RecordedDecision, decision_of, input_hash, row_of
from serve.store.reviews import AutoStop, ReviewItem
from serve.store.write_ahead import WriteAheadFile

log = structlog.get_logger(__name__)

UNRECORDED = "page-"
"""Tickets whose id begins so were typed into the page at `/`: nobody will dispatch them."""

_STOPS_SECONDS = 2.0
_LATE_SECONDS = 0.5
"""So long the database may take over a ticket that is late already."""
_RETRIES = 3
_AT_A_TIME = 200


class RecordingScorer:
    """Wraps a scorer. Answers are in the store, or in the write-ahead file while the store is down.

    Whatever the store raises, it counts as down and the answer stands: no connection, no free one, a full
    disk, a damaged file or row. A ticket that comes again with the same words gets the stored answer, whatever `top_k` it asks for; with
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
        self._dispatching = dispatching
        self._stops: frozenset[str | None] = frozenset()
        self._stops_until = 0.0
        self._writing = Lock()
        self._beside = ThreadPoolExecutor(1, "paidan-late")
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
                self._write_each(rows)
            except (SQLAlchemyError, OSError) as error:
                self._fell(error)
                return False
            self._waiting.forget(len(rows))
        if self.down:
            log.info("store_back")
            self.down = False
        return True

    def _known(self, tickets: Sequence[Ticket]) -> dict[int, RecordedDecision]:
        """Return the stored answers of tickets that came before with the same words, by their index."""
        if self.down:
            return {}
        try:
            with self._store.transaction() as session:
                latest = _latest(session, [ticket.ticket_id for ticket in tickets])
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
                    kept = dict(zip(rows, self._write(list(rows.values())), strict=True))
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
        """Let decisions wait in the write-ahead file."""
        if rows and not self._waiting.append(list(rows.values())):
            self._meters.not_kept(len(rows))
            log.error("decisions_not_kept", tickets=len(rows))
        return [RecordedDecision.of(decision, stored=False) for _, decision in decided]

    def _write(self, rows: Sequence[dict[str, Any]]) -> list[RecordedDecision | None]:
        """Write rows in one transaction; give, for each, the answer that another process stored first."""
        for attempt in range(_RETRIES):
            try:
                with self._store.transaction() as session:
                    return self._insert(session, rows)
            except IntegrityError:  # another process took the same revision between our read and write
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _write_each(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows; one that the database will never take is given up, so that the others arrive."""
        try:
            self._write(rows)
        except DataError as error:
            if len(rows) == 1:
                log.error("decision_refused", **describe_error(error))
                return
            for row in rows:
                self._write_each([row])

    def _insert(self, session: Session, rows: Sequence[dict[str, Any]]) -> list[RecordedDecision | None]:
        latest = _latest(session, [row["ticket_id"] for row in rows])
        found: list[RecordedDecision | None] = []
        added: list[tuple[StoredDecision, dict[str, Any]]] = []
        for row in rows:
            before = latest.get(row["ticket_id"])
            if before is not None and before.input_sha256 == row["input_sha256"]:
                found.append(decision_of(before.answer) if before.answer is not None else None)
                continue
            found.append(None)
            decision = StoredDecision(**row, revision=before.revision + 1 if before is not None else 1)
            latest[row["ticket_id"]] = decision
            added.append((decision, row))
        session.add_all(decision for decision, _ in added)
        session.flush()  # gives them their numbers
        for decision, row in added:
            if decision.revision > 1:
                _withdraw(session, row["ticket_id"], decision.id)
            if latest[row["ticket_id"]] is decision and (row["level"] != Level.AUTO.value or row["audited"]):
                session.add(self._item(decision, row))
        return found

    def _item(self, decision: StoredDecision, row: dict[str, Any]) -> ReviewItem:
        flags = row["flags"]
        return ReviewItem(
            decision_id=decision.id,
            kind="first",
            status="waiting",
            created_at=row["answered_at"],
            due_at=self._dispatching.due(row),
            risk=2 if Flag.DANGER.value in flags else int(Flag.URGENT.value in flags),
            score=row["score"] or 0.0,
            level=row["level"],
            unit=row["unit"],
            family=row["family"],
            district_code=row["district_code"],
            channel=row["channel"],
            skipped_by=[],
        )

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


def _latest(session: Session, ticket_ids: Iterable[str]) -> dict[str, StoredDecision]:
    """Return the newest revision of each ticket that a caller sent and the store has."""
    wanted = sorted(set(ticket_ids))
    newest = (
        select(StoredDecision.ticket_id, func.max(StoredDecision.revision).label("revision"))
        .where(StoredDecision.ticket_id.in_(wanted), StoredDecision.revision > 0)  # none from a file
        .group_by(StoredDecision.ticket_id)
        .subquery()
    )
    rows = session.scalars(
        select(StoredDecision).join(
            newest,
            (StoredDecision.ticket_id == newest.c.ticket_id) & (StoredDecision.revision == newest.c.revision),
        )
    )
    return {row.ticket_id: row for row in rows}


def _withdraw(session: Session, ticket_id: str, newest: int) -> None:
    """Take what waits for review of older revisions out of the queue."""
    older = select(StoredDecision.id).where(
        StoredDecision.ticket_id == ticket_id, StoredDecision.id != newest, StoredDecision.revision > 0
    )
    session.execute(
        update(ReviewItem)
        .where(ReviewItem.decision_id.in_(older), ReviewItem.status == "waiting")
        .values(status="withdrawn")
        .execution_options(synchronize_session=False)
    )
