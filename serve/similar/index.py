"""Which decided tickets lie closest to a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from data.text import mask_pii, normalise
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import ReviewItem, Ruling
from serve.store.vectors import TicketVector

FloatArray = NDArray[np.float32]

SHOWN = 3
_CLOSE_ENOUGH = 0.5
"""Least cosine of a ticket that is shown at all."""

_LOOKED_AT = 12
"""How many of the nearest are looked up, since rulings may have been undone and texts emptied meanwhile."""

_EXCERPT = 120
_IN_ONE_QUERY = 500


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A past ticket: the beginning of its text, masked, and the code of the unit that a person gave it to."""

    ticket_id: str
    text: str
    unit: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    """What is in memory: the ids of decisions, the latest first, and their vectors of unit length [n, D]."""

    version: str
    ids: tuple[int, ...] = ()
    matrix: FloatArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))


class SimilarTickets:
    """Keeps the vectors of the latest decided tickets. One thread may refresh while others look.

    `encode` gives the vectors float32 [N, D] of texts, `model_version` names the model that does; when it
    changes, all vectors are made again, in pieces, while the service goes on.
    """

    def __init__(
        self,
        store: Store,
        encode: Callable[[Sequence[str]], FloatArray],
        model_version: Callable[[], str],
        most: int,
    ) -> None:
        self._store = store
        self._encode = encode
        self._model_version = model_version
        self._most = most
        self._held = _Held("")

    def __len__(self) -> int:
        return len(self._held.ids)

    def refresh(self, count: int) -> int:
        """Make vectors of up to `count` decided tickets that have none yet, the latest first; say how many.

        Then take in what the store holds, so that a service which starts finds its vectors there.
        """
        version = self._model_version()
        held = self._held if self._held.version == version else _Held(version)
        made = self._make(version, count)
        self._held = self._take_in(held)
        return made

    def nearest(self, text: str, *, without: str | None = None) -> list[SimilarTicket]:
        """Return up to three decided tickets close to a text, the closest first; `without` is its own id."""
        held = self._held
        if not held.ids or held.version != self._model_version():
            return []
        cosines = held.matrix @ _unit(self._encode([text]))[0]
        order = np.argsort(-cosines, kind="stable")[:_LOOKED_AT]
        close = [held.ids[row] for row in order if cosines[row] >= _CLOSE_ENOUGH]
        with self._store.transaction() as session:
            found = _decided(session, close)
        tickets = [found[i] for i in close if i in found and found[i].ticket_id != without]
        return tickets[:SHOWN]

    def _make(self, version: str, count: int) -> int:
        kept = select(_VALID.c.decision_id).order_by(_VALID.c.decision_id.desc()).limit(self._most)
        with self._store.transaction() as session:
            rows = session.execute(
                select(StoredDecision.id, StoredDecision.text)
                .join(_VALID, _VALID.c.decision_id == StoredDecision.id)
                .outerjoin(
                    TicketVector,
                    and_(
                        TicketVector.decision_id == StoredDecision.id, TicketVector.model_version == version
                    ),
                )
                .where(
                    StoredDecision.id.in_(kept),
                    StoredDecision.text.is_not(None),
                    TicketVector.decision_id.is_(None),
                )
                .order_by(StoredDecision.id.desc())
                .limit(count)
            ).all()
        if not rows:
            return 0
        vectors = _unit(self._encode([row.text for row in rows])).astype(np.float16)
        with self._store.transaction() as session:
            session.execute(
                delete(TicketVector).where(TicketVector.decision_id.in_([row.id for row in rows]))
            )
            session.add_all(
                TicketVector(decision_id=row.id, model_version=version, vector=vector.tobytes())
                for row, vector in zip(rows, vectors, strict=True)
            )
        return len(rows)

    def _take_in(self, held: _Held) -> _Held:
        """Return what is held with the vectors that came into the store, and without those that left it."""
        row_of = {decision_id: row for row, decision_id in enumerate(held.ids)}
        mine = TicketVector.model_version == held.version
        with self._store.transaction() as session:
            latest = select(TicketVector.decision_id).where(mine).order_by(TicketVector.decision_id.desc())
            ids = tuple(session.scalars(latest.limit(self._most)))
            if ids == held.ids:
                return held
            if len(ids) == self._most:  # what is older than all that are kept is of no use any more
                session.execute(delete(TicketVector).where(TicketVector.decision_id < ids[-1]))
            new = [decision_id for decision_id in ids if decision_id not in row_of]
            stored = {
                decision_id: np.frombuffer(vector, dtype=np.float16)
                for start in range(0, len(new), _IN_ONE_QUERY)
                for decision_id, vector in session.execute(
                    select(TicketVector.decision_id, TicketVector.vector).where(
                        mine, TicketVector.decision_id.in_(new[start : start + _IN_ONE_QUERY])
                    )
                )
            }
        rows = [held.matrix[row_of[i]] if i in row_of else stored[i] for i in ids]
        return _Held(held.version, ids, np.stack(rows).astype(np.float32) if rows else held.matrix[:0])


_VALID = (
    select(Ruling.decision_id, func.max(Ruling.id).label("ruling_id"))
    .join(ReviewItem, ReviewItem.id == Ruling.item_id)
    # A blind second opinion dispatches nothing, and an undone ruling says nothing.
    .where(Ruling.undone_at.is_(None), Ruling.unit.is_not(None), ReviewItem.kind != "second")
    .group_by(Ruling.decision_id)
    .subquery()
)


def _decided(session: Session, ids: Sequence[int]) -> dict[int, SimilarTicket]:
    """Return the tickets of decisions that still hold and still have their words."""
    rows = session.execute(
        select(
            StoredDecision.id,
            StoredDecision.ticket_id,
            StoredDecision.text,
            Ruling.unit,
            Ruling.decided_at,
        )
        .join(_VALID, _VALID.c.decision_id == StoredDecision.id)
        .join(Ruling, Ruling.id == _VALID.c.ruling_id)
        .where(StoredDecision.id.in_(ids), StoredDecision.text.is_not(None))
    )
    return {
        row.id: SimilarTicket(row.ticket_id, _excerpt(row.text), row.unit, row.decided_at) for row in rows
    }


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def _excerpt(text: str) -> str:
    masked = mask_pii(normalise(text).text)
    return masked if len(masked) <= _EXCERPT else masked[:_EXCERPT] + "…"
