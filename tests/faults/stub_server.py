"""`paidan serve` with a stub in the model's place: python stub_server.py [options of `paidan serve`].

Everything else is the real thing: the command, the sockets, the signals, the store. The stub's answers differ
from call to call, so that an answer that was not the stored one would show. STUB_SECONDS is the time that a
ticket takes.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Sequence

from data.catalog.entries import Department, DepartmentKind, DispatchMode
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import Candidate, Decision, Level, PlacedJurisdiction, PlaceStatus, Role, Span, Versions

CITY = Jurisdiction("c", "山海市", JurisdictionLevel.CITY)
UNITS = tuple(
    Department(f"u{i}", f"山海市第{i}局", DepartmentKind.DISTRICT_BUREAU, "城管局", "c") for i in range(20)
)
VERSIONS = Versions("model-1", "catalog-1", "policy-1")


class StubScorer:
    """Takes its time, and draws the scores."""

    versions = VERSIONS

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._encoder = threading.Lock()  # one batch has it at a time, as the real one

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        with self._encoder:
            time.sleep(self._seconds * len(tickets))
        return [self._decide(ticket, top_k) for ticket in tickets]

    def fallback(self, ticket: Ticket) -> Decision:
        return self._decide(ticket, 1, degraded=True)

    def _decide(self, ticket: Ticket, top_k: int, *, degraded: bool = False) -> Decision:
        scores = sorted((random.random() / top_k for _ in range(top_k)), reverse=True)
        return Decision(
            ticket.ticket_id,
            Level.SUGGEST,
            DispatchMode.DIRECT,
            tuple(
                Candidate(unit, Role.LEAD, (CITY,), score, ())
                for unit, score in zip(UNITS, scores, strict=False)
            ),
            None,
            PlacedJurisdiction(PlaceStatus.RESOLVED, CITY, (CITY,), 0.9, (Span(0, 1, ticket.text[:1]),)),
            (),
            degraded,
            VERSIONS,
        )


def main() -> None:
    """Run the command line."""
    import serve.running
    from serve import cli

    stub = StubScorer(float(os.environ.get("STUB_SECONDS", "0.001")))
    serve.running.load_scorer = lambda settings: stub  # type: ignore[assignment]
    sys.argv = ["paidan", "serve", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
