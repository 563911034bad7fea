"""A queue for a newcomer: the sample city's tickets, scored by the real model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from importlib.resources import files
from pathlib import Path

import orjson
from sqlalchemy import func, select

from data.tickets.ticket import Ticket
from model.decision import Decision
from serve.store.base import now
from serve.store.engine import Store
from serve.store.reviews import ReviewItem

TOP_K = 5
_PIECE = 16

Score = Callable[[Sequence[Ticket], int], Sequence[Decision]]
Keep = Callable[[Sequence[Ticket], Sequence[Decision]], None]


def sample_tickets() -> list[Ticket]:
    """Return the sample city's hand-written tickets, as if they came in during the last hours."""
    lines = Path(str(files("data") / "samples" / "beijing" / "tickets.jsonl")).read_bytes().splitlines()
    arrived = now()
    return [
        Ticket(
            row["ticket_id"],
            row["text"],
            title=row.get("title"),
            address=row.get("address"),
            district=row.get("district"),
            channel=row.get("channel"),
            created_at=(arrived - timedelta(minutes=3 * age)).astimezone(UTC),
        )
        for age, row in enumerate(map(orjson.loads, lines))
    ]


def is_empty(store: Store) -> bool:
    """Tell whether the queue never held anything."""
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(ReviewItem)) == 0


def fill_sample(store: Store, score: Score, keep: Keep) -> int:
    """Score the sample's tickets and keep the decisions, unless the queue has items; return how many.

    `score` gives one decision a ticket, `keep` stores them as the endpoint does.
    """
    if not is_empty(store):
        return 0
    tickets = sample_tickets()
    for start in range(0, len(tickets), _PIECE):
        piece = tickets[start : start + _PIECE]
        keep(piece, score(piece, TOP_K))
    return len(tickets)
