"""A scorer whose calls are timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.metrics.meters import Meters, Stage
from serve.scorer import Scorer


class MeasuredScorer:
    """Wraps a scorer and times its batches as the stage `model`."""

    def __init__(self, scorer: Scorer, meters: Meters) -> None:
        self._scorer = scorer
        self._meters = meters

    def __getattr__(self, name: str) -> Any:
        """Give what the scorer has besides: its fallback, its catalog, its columns."""
        return getattr(self._scorer, name)

    @property
    def versions(self) -> Versions:
        """Return the versions of what answers."""
        return self._scorer.versions

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order."""
        with self._meters.timing(Stage.MODEL):
            return self._scorer.score(tickets, top_k=top_k)
