"""Decisions in the database: the newest of a ticket, new revisions, and the review items that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from model.decision import Flag, Level
from serve.logs import describe_error
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.recorded import RecordedDecision, decision_of
from serve.store.reviews import ReviewItem

log = structlog.get_logger(__name__)

_RETRIES = 3


class DecisionTable:
    """Reads and writes decisions as rows, each call in one transaction; raises what the database does."""

    def __init__(self, store: Store, dispatching: Dispatching) -> None:
        self._store = store
        self._dispatching = dispatching

    def latest(self, ticket_ids: Iterable[str]) -> dict[str, StoredDecision]:
        """Return the newest revision of each ticket that was answered before."""
        with self._store.transaction() as session:
            return _latest(session, ticket_ids)

    def write(self, rows: Sequence[dict[str, Any]]) -> list[RecordedDecision | None]:
        """Write rows in one transaction; give, for each, the answer that another process stored first."""
        for attempt in range(_RETRIES):
            try:
                with self._store.transaction() as session:
                    return self._insert(session, rows)
            except IntegrityError:  # another process took the same revision between our read and write
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def write_each(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows; one that the database will never take is given up, so that the others arrive."""
        try:
            self.write(rows)
        except DataError as error:
            if len(rows) == 1:
                log.error("decision_refused", **describe_error(error))
                return
            for row in rows:
                self.write_each([row])

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
                withdraw(session, _older(row["ticket_id"], decision.id))
            if latest[row["ticket_id"]] is decision and (row["level"] != Level.AUTO.value or row["audited"]):
                session.add(self._item(decision, row))
        return found

    def _item(self, decision: StoredDecision, row: dict[str, Any]) -> ReviewItem:
        flags = row["flags"]
        risk = 2 if Flag.DANGER.value in flags else int(Flag.URGENT.value in flags)
        return first_item(decision.id, row, row["answered_at"], self._dispatching.due(row), risk)


def first_item(
    decision_id: int, row: Mapping[str, Any], created_at: datetime, due_at: datetime, risk: int
) -> ReviewItem:
    """Return what puts a decision, `row` of the store, on the desk for its first opinion."""
    return ReviewItem(
        decision_id=decision_id,
        kind="first",
        status="waiting",
        created_at=created_at,
        due_at=due_at,
        risk=risk,
        score=row["score"] or 0.0,
        level=row["level"],
        unit=row["unit"],
        family=row["family"],
        district_code=row["district_code"],
        channel=row["channel"],
        skipped_by=[],
    )


def withdraw(session: Session, decisions: Select[int]) -> None:
    """Take what waits for review of decisions, given by their ids, out of the queue."""
    session.execute(
        update(ReviewItem)
        .where(ReviewItem.decision_id.in_(decisions), ReviewItem.status == "waiting")
        .values(status="withdrawn")
        .execution_options(synchronize_session=False)
    )


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


def _older(ticket_id: str, newest: int) -> Select[int]:
    return select(StoredDecision.id).where(
        StoredDecision.ticket_id == ticket_id, StoredDecision.id != newest, StoredDecision.revision > 0
    )
