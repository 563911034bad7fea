from __future__ import annotations

from collections.abc import Callable, Sequence

from data.tickets.ticket import Ticket
from model.decision import Decision
from serve.review.sample import fill_sample, sample_tickets
from serve.store.base import now
from serve.store.engine import Store


def test_every_sample_ticket_is_scored_and_kept_in_pieces(store: Store, decision_on: Callable[..., Decision]):
    kept: list[str] = []

    def keep(tickets: Sequence[Ticket], decisions: Sequence[Decision]) -> None:
        assert [ticket.ticket_id for ticket in tickets] == [decision.ticket_id for decision in decisions]
        kept.extend(ticket.ticket_id for ticket in tickets)

    filled = fill_sample(store, lambda tickets, k: [decision_on(ticket, k) for ticket in tickets], keep)
    assert filled == len(kept) == len(set(kept)) > 100


def test_sample_tickets_came_in_lately():
    ages = [now() - ticket.created_at for ticket in sample_tickets() if ticket.created_at]
    assert all(0 <= age.days < 1 for age in ages)
