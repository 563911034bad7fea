"""How long two artifacts take for one ticket, measured side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.tickets.ticket import Ticket
from model.dispatcher import Dispatcher

SAMPLE = 100

_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds for one ticket alone, the median of `tickets` that were scored by both in turn."""

    tickets: int
    champion: float
    challenger: float

    @property
    def ratio(self) -> float:
        """Return how many times as long the challenger takes."""
        return self.challenger / self.champion


def measure_latency(champion: Dispatcher, challenger: Dispatcher, tickets: Sequence[Ticket]) -> Latency:
    """Time both on tickets spread over all of them, one by one and in turn, so that other load hits both."""
    rows = np.unique(np.linspace(0, len(tickets) - 1, min(SAMPLE, len(tickets))).round().astype(int))
    chosen = [tickets[row] for row in rows.tolist()]
    for ticket in chosen[:_WARM_UP]:
        _milliseconds(champion, ticket)
        _milliseconds(challenger, ticket)
    times = [(_milliseconds(champion, ticket), _milliseconds(challenger, ticket)) for ticket in chosen]
    old, new = np.median(times, axis=0).tolist()
    return Latency(len(chosen), old, new)


def _milliseconds(dispatcher: Dispatcher, ticket: Ticket) -> float:
    begin = time.perf_counter()
    dispatcher.score([ticket])
    return (time.perf_counter() - begin) * 1000
