"""What became of a ticket, on both databases."""

from __future__ import annotations

from datetime import timedelta

from serve.feedback.outcome import Outcome, outcome
from serve.store.base import now
from serve.store.engine import Store
from serve.store.reviews import FeedbackEvent

START = now()


def report(store: Store, *events: tuple[int, str, str | None]) -> None:
    with store.transaction() as session:
        for minute, kind, unit in events:
            session.add(
                FeedbackEvent(
                    event_id=f"e{minute}",
                    ticket_id="t",
                    kind=kind,
                    unit=unit,
                    happened_at=START + timedelta(minutes=minute),
                    received_at=now(),
                )
            )


def test_an_unknown_ticket_has_no_outcome(store: Store) -> None:
    assert outcome(store, "t") == Outcome(None, None, None, frozenset())


def test_a_return_is_no_label_for_another_unit(store: Store) -> None:
    report(store, (1, "accepted", "a"), (2, "returned", "a"), (3, "redispatched", "b"))
    assert outcome(store, "t") == Outcome(None, None, None, frozenset({"a"}))


def test_the_order_of_arrival_does_not_matter(store: Store) -> None:
    report(store, (4, "closed", None), (3, "accepted", "b"), (2, "redispatched", "b"), (1, "returned", "a"))
    assert outcome(store, "t") == Outcome(None, None, "b", frozenset({"a"}))


def test_a_unit_that_takes_it_after_all_did_not_return_it(store: Store) -> None:
    report(store, (1, "returned", "a"), (2, "closed", "a"))
    assert outcome(store, "t") == Outcome(None, None, "a", frozenset())
