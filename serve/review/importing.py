"""Tickets from a file into the queue: to be settled by people, never to be dispatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from model.decision import Decision
from serve.review.desk_lines import DeskLine
from serve.scorer import Scorer
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.imported import ImportedTicket
from serve.store.recorded import input_hash, row_of
from serve.store.reviews import ReviewItem
from serve.store.writing import first_item, withdraw


@dataclass(slots=True)
class Imported:
    """How many lines were put on the desk, were imported before, and wait there as callers' tickets."""

    added: int = 0
    known: int = 0
    waiting: int = 0


class DeskImport:
    """Puts lines into the review queue, scored, `days` before they are due: callers' tickets go first."""

    def __init__(self, store: Store, scorer: Scorer, *, days: int, top_k: int) -> None:
        self._store = store
        self._scorer = scorer
        self._gazetteer = getattr(getattr(scorer, "catalog", None), "gazetteer", None)
        self._top_k = top_k
        self._at = now()
        self._due = self._at + timedelta(days=days)

    def take_in(
        self, lines: Sequence[DeskLine], batch_size: int, on_rows: Callable[[int], None] = lambda _: None
    ) -> Imported:
        """Import the lines, a transaction a batch; the operators get them in the order of the file.

        The same ticket_id with the same words is imported once, whatever file it stands in. With other words
        it takes the place of what still waits of the earlier import.
        """
        result = Imported()
        for start in range(0, len(lines), batch_size):
            batch = lines[start : start + batch_size]
            new = self._new(batch, result)
            decisions = self._scorer.score([line.ticket for line in new], top_k=self._top_k) if new else []
            due = self._due + timedelta(milliseconds=start)
            with self._store.transaction() as session:
                for i, (line, decision) in enumerate(zip(new, decisions, strict=True)):
                    self._add(session, line, decision, due + timedelta(milliseconds=i))
            result.added += len(new)
            on_rows(len(batch))
        return result

    def _new(self, batch: Sequence[DeskLine], result: Imported) -> list[DeskLine]:
        ids = {line.ticket.ticket_id for line in batch}
        with self._store.transaction() as session:
            known = {
                (row.ticket_id, row.input_sha256)
                for row in session.execute(
                    select(StoredDecision.ticket_id, StoredDecision.input_sha256).where(
                        StoredDecision.ticket_id.in_(ids), StoredDecision.revision <= 0
                    )
                )
            }
            waiting = set(
                session.scalars(
                    select(StoredDecision.ticket_id)
                    .join(ReviewItem, ReviewItem.decision_id == StoredDecision.id)
                    .where(
                        StoredDecision.ticket_id.in_(ids),
                        StoredDecision.revision > 0,
                        ReviewItem.status.in_(("waiting", "consulting")),
                    )
                )
            )
        new = []
        for line in batch:
            key = line.ticket.ticket_id, input_hash(line.ticket)
            if key in known:
                result.known += 1
            elif line.ticket.ticket_id in waiting:
                result.waiting += 1
            else:
                known.add(key)
                new.append(line)
        return new

    def _add(self, session: Session, line: DeskLine, decision: Decision, due: datetime) -> None:
        row = row_of(line.ticket, decision, self._gazetteer, self._at, audited=False)
        earlier = select(StoredDecision.id).where(
            StoredDecision.ticket_id == row["ticket_id"], StoredDecision.revision <= 0
        )
        lowest = session.scalar(
            select(func.min(StoredDecision.revision)).where(StoredDecision.id.in_(earlier))
        )
        withdraw(session, earlier)
        stored = StoredDecision(**row, revision=0 if lowest is None else lowest - 1)
        session.add(stored)
        session.flush()
        # Its risk is none: whatever it tells of happened long ago.
        session.add(first_item(stored.id, row, self._at, due, risk=0))
        session.add(
            ImportedTicket(
                decision_id=stored.id,
                imported_at=self._at,
                reason=line.reason.value,
                given=line.given,
                suggested=line.suggested,
            )
        )
