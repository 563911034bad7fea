"""Tickets that wait to be scored, and which of them go next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic

from data.tickets.ticket import Ticket
from model.decision import Decision

_SEARCHED = 4
"""Tickets that are looked at for each one taken, to find some of like length."""

_BULK_TURN = 4
"""Every so manieth batch is a bulk call's, if both kinds wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A ticket, and the future that its decision resolves.

    `request_id` is that of the call it came with, `arrived` in seconds of the monotonic clock.
    """

    ticket: Ticket
    top_k: int
    future: asyncio.Future[Decision]
    request_id: str | None = None
    arrived: float = field(default_factory=monotonic)

    @property
    def characters(self) -> int:
        """Return how much there is to read."""
        ticket = self.ticket
        return len(ticket.text) + len(ticket.title or "") + len(ticket.address or "")


class Lane:
    """Waiting tickets in the order they came, and the sum of their characters."""

    def __init__(self) -> None:
        self._items: dict[Waiting, None] = {}
        self.characters = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._items)

    def add(self, item: Waiting) -> None:
        """Put a ticket at the end."""
        self._items[item] = None
        self.characters += item.characters

    def discard(self, item: Waiting) -> None:
        """Take a ticket out, if it is still in."""
        if item in self._items:
            del self._items[item]
            self.characters -= item.characters


class WaitingRoom:
    """Two lanes: tickets that somebody waits for, and those of bulk calls.

    Single tickets go first, and no bulk makes their batches longer, so that a bulk call starves nobody;
    every fourth batch is bulk, so that it is not starved either.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._turn = 0
        self.single = Lane()
        self.bulk = Lane()

    def lane(self, *, bulk: bool) -> Lane:
        """Return the lane for a kind of call."""
        return self.bulk if bulk else self.single

    @property
    def characters(self) -> int:
        """Return how much waits in both lanes."""
        return self.single.characters + self.bulk.characters

    @property
    def holds_full_batch(self) -> bool:
        """Tell whether as many tickets of single calls wait as are scored together."""
        return len(self.single) >= self._batch_size

    def take(self) -> list[Waiting]:
        """Take the next batch out; empty if nothing waits.

        It holds the ticket that has waited longest in its lane and those nearest to it in length, all with
        the same top_k.
        """
        lane = self._next_lane()
        first = next(iter(lane), None)
        if first is None:
            return []
        alike = islice((item for item in lane if item.top_k == first.top_k), _SEARCHED * self._batch_size)
        batch = sorted(alike, key=lambda item: abs(item.characters - first.characters))[: self._batch_size]
        for item in batch:
            lane.discard(item)
        return batch

    def take_all(self) -> list[Waiting]:
        """Empty both lanes."""
        items = [*self.single, *self.bulk]
        self.single, self.bulk = Lane(), Lane()
        return items

    def _next_lane(self) -> Lane:
        if not (self.single and self.bulk):
            return self.single or self.bulk
        self._turn = (self._turn + 1) % _BULK_TURN
        return self.single if self._turn else self.bulk
