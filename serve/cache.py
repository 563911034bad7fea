"""A scorer that knows what it answered to a text: the same complaint often comes many times."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.scorer import Scorer
from serve.store.recorded import input_hash


class _Key(NamedTuple):
    """All that a decision rests on, but for the model: the day decides which units there are."""

    content: str
    day: date
    top_k: int


def with_cache(scorer: Scorer, entries: int) -> Scorer:
    """Return a scorer that keeps so many decisions; with 0 the scorer itself."""
    return CachingScorer(scorer, entries) if entries else scorer


class CachingScorer:
    """Wraps a scorer and keeps its last `entries` different decisions, by hashes: it holds no ticket's text.

    A decision is given again only while the model, catalog and policy that it came from answer. `hits` counts
    tickets that got one that was kept, or that of an equal ticket beside them; `misses` those scored.
    Safe to call from several threads.
    """

    def __init__(self, scorer: Scorer, entries: int) -> None:
        self._scorer = scorer
        self._entries = entries
        self._kept: OrderedDict[_Key, Decision] = OrderedDict()
        self._lock = Lock()
        self.hits = 0
        self.misses = 0

    def __getattr__(self, name: str) -> Any:
        """Give what the scorer has besides: its fallback, its catalog, its columns."""
        return getattr(self._scorer, name)

    @property
    def versions(self) -> Versions:
        """Return the versions of what answers."""
        return self._scorer.versions

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order; equal ones are scored once."""
        today = date.today()
        keys = [
            _Key(input_hash(ticket), ticket.created_at.date() if ticket.created_at else today, top_k)
            for ticket in tickets
        ]
        found = self._find(keys)
        new = {key: ticket for key, ticket in zip(keys, tickets, strict=True) if key not in found}
        if new:
            scored = self._scorer.score(list(new.values()), top_k=top_k)
            found |= dict(zip(new, scored, strict=True))
            self._keep(dict(zip(new, scored, strict=True)))
        with self._lock:
            self.misses += len(new)
            self.hits += len(tickets) - len(new)
        return [
            replace(found[key], ticket_id=ticket.ticket_id) for key, ticket in zip(keys, tickets, strict=True)
        ]

    def _find(self, keys: Sequence[_Key]) -> dict[_Key, Decision]:
        now = self._scorer.versions
        found: dict[_Key, Decision] = {}
        with self._lock:
            for key in keys:
                kept = self._kept.get(key)
                if kept is not None and kept.versions == now:
                    self._kept.move_to_end(key)
                    found[key] = kept
        return found

    def _keep(self, scored: dict[_Key, Decision]) -> None:
        with self._lock:
            self._kept |= scored
            for key in scored:
                self._kept.move_to_end(key)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)
