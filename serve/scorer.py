"""What the service asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from data.tickets.ticket import Ticket
from model.decision import Decision, Versions


class Scorer(Protocol):
    """A loaded model: model.dispatcher.Dispatcher, or a stub in tests."""

    @property
    def versions(self) -> Versions:
        """Return content hashes of what answers."""
        ...

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order."""
        ...
