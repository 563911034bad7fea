"""A queue for a newcomer: the sample city's tickets, scored by the real model."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import func, select

from data.samples import sample_tickets_path
from data.tickets.ticket import Ticket
from serve.scorer import Scorer
from serve.security.accounts import Accounts, new_password
from serve.security.audit import CLI
from serve.security.roles import Role
from serve.store.base import now
from serve.store.engine import Store
from serve.store.reviews import ReviewItem

DEMO = "demo"
TOP_K = 5
_PIECE = 16


def sample_tickets() -> list[Ticket]:
    """Return the sample city's hand-written tickets, as if they came in during the last hour."""
    lines = sample_tickets_path().read_bytes().splitlines()
    arrived = now()
    return [
        Ticket(
            row["ticket_id"],
            row["text"],
            title=row.get("title"),
            address=row.get("address"),
            district=row.get("district"),
            channel=row.get("channel"),
            created_at=arrived - timedelta(seconds=15 * age),
        )
        for age, row in enumerate(map(orjson.loads, lines))
    ]


def is_empty(store: Store) -> bool:
    """Tell whether the queue never held anything."""
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(ReviewItem)) == 0


def fill_sample(store: Store, scorer: Scorer) -> int:
    """Score the sample's tickets with a scorer that stores, unless the queue held any; return how many."""
    if not is_empty(store):
        return 0
    tickets = sample_tickets()
    for start in range(0, len(tickets), _PIECE):
        scorer.score(tickets[start : start + _PIECE], top_k=TOP_K)
    return len(tickets)


def demo_password(accounts: Accounts) -> str | None:
    """Make the account `demo` and return its password; None if there are accounts already."""
    if accounts.all():
        return None
    password = new_password()
    accounts.add(DEMO, password, Role.ADMIN, by=CLI, display_name="试用账号")
    return password
