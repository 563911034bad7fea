"""The one door to the model: tickets in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.tickets.ticket import Ticket
from model.decision import Decision, Versions


class Dispatcher:
    """Scores tickets with a trained artifact."""

    versions: Versions

    @classmethod
    def load(cls, artifact: Path) -> Dispatcher:
        """Load an artifact folder; raise ArtifactError if a file of it was changed or is missing."""
        raise NotImplementedError

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order."""
        raise NotImplementedError
