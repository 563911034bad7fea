from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

import pytest

from data.tickets.ticket import Location, Ticket
from model.decision import Versions
from serve.cache import CachingScorer
from serve.live import LiveScorer

TEXT = "东湖区路灯不亮"
MORNING, EVENING, NEXT_DAY = datetime(2026, 5, 1, 8), datetime(2026, 5, 1, 20), datetime(2026, 5, 2, 8)


def ids(scorer) -> list[str]:
    return [ticket_id for batch, _ in scorer.batches for ticket_id in batch]


def test_an_equal_ticket_gets_the_kept_decision_under_its_own_id(scorer):
    cache = CachingScorer(scorer, 10)
    (first,) = cache.score([Ticket("a", TEXT, created_at=MORNING)])
    (second,) = cache.score([Ticket("b", TEXT, created_at=EVENING)])
    assert ids(scorer) == ["a"]
    assert second == replace(first, ticket_id="b")
    assert (cache.hits, cache.misses) == (1, 1)


def test_equal_tickets_of_one_batch_are_scored_once(scorer):
    cache = CachingScorer(scorer, 10)
    decisions = cache.score([Ticket("a", TEXT), Ticket("b", "停水"), Ticket("c", TEXT)])
    assert [decision.ticket_id for decision in decisions] == ["a", "b", "c"]
    assert len(ids(scorer)) == 2
    assert (cache.hits, cache.misses) == (1, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": TEXT + "。"},
        {"title": "路灯"},
        {"address": "柳林街道"},
        {"district": "东湖区"},
        {"location": Location(110.3, 20.0)},
        {"created_at": NEXT_DAY},
    ],
)
def test_whatever_the_model_is_given_tells_tickets_apart(scorer, changes):
    cache = CachingScorer(scorer, 10)
    ticket = Ticket("a", TEXT, created_at=MORNING)
    cache.score([ticket])
    cache.score([replace(ticket, **changes)])
    assert cache.misses == 2


def test_the_number_of_candidates_tells_answers_apart(scorer):
    cache = CachingScorer(scorer, 10)
    cache.score([Ticket("a", TEXT)], top_k=3)
    (decision,) = cache.score([Ticket("a", TEXT)], top_k=1)
    assert cache.misses == 2
    assert sum(candidate.score is not None for candidate in decision.candidates) == 1


def test_what_was_not_asked_for_longest_goes_first(scorer):
    cache = CachingScorer(scorer, 2)
    for text in ("停水", "停电", "停水", "停气", "停水", "停电"):
        cache.score([Ticket(text, text)])
    assert ids(scorer) == ["停水", "停电", "停气", "停电"]


class _Model:
    """Answers with a version; `gate` lets a call begin with it and end later."""

    def __init__(self, scorer, name: str) -> None:
        self._scorer = scorer
        self.versions = Versions(name, "catalog", "policy")
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()

    def score(self, tickets, *, top_k=3):
        self.begun.set()
        assert self.gate.wait(10)
        return [replace(d, versions=self.versions) for d in self._scorer.score(tickets, top_k=top_k)]


def test_nothing_of_an_exchanged_model_is_given_again(scorer):
    old, new = _Model(scorer, "old"), _Model(scorer, "new")
    live = LiveScorer(old)
    cache = CachingScorer(live, 10)
    cache.score([Ticket("a", TEXT)])
    live.exchange(new)
    assert cache.score([Ticket("b", TEXT)])[0].versions.model == "new"
    assert cache.score([Ticket("c", TEXT)])[0].versions.model == "new"
    assert cache.misses == 2


def test_what_a_model_answers_after_its_exchange_is_not_given_again(scorer):
    old, new = _Model(scorer, "old"), _Model(scorer, "new")
    live = LiveScorer(old)
    cache = CachingScorer(live, 10)
    old.gate.clear()
    late = threading.Thread(target=cache.score, args=([Ticket("a", TEXT)],))
    late.start()
    assert old.begun.wait(10)
    live.exchange(new)
    old.gate.set()
    late.join()
    assert cache.score([Ticket("b", TEXT)])[0].versions.model == "new"


def test_a_failure_is_not_kept(scorer):
    cache = CachingScorer(scorer, 10)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            cache.score([Ticket("a", "poison")])
    assert len(scorer.batches) == 2


def test_fallback_and_catalog_are_those_of_the_scorer(scorer_with_fallback):
    cache = CachingScorer(scorer_with_fallback, 10)
    assert cache.fallback(Ticket("a", TEXT)).degraded
    assert not hasattr(cache, "catalog")
