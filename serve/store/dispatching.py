"""How decisions become work for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data.tickets.ticket import Ticket
from model.decision import Flag
from serve.settings import ServeSettings
from serve.store.drawing import is_drawn
from serve.store.recorded import input_hash


@dataclass(frozen=True, slots=True)
class Dispatching:
    """How decisions become work: which `auto` ones are audited, and when a ticket should be dispatched.

    `audit_share` of them is drawn by a hash of `audit_seed` and the ticket; minutes count from the ticket's
    own time.
    """

    audit_share: float
    audit_seed: int
    dispatch_minutes: float
    urgent_dispatch_minutes: float

    @classmethod
    def from_settings(cls, settings: ServeSettings) -> Dispatching:
        """Take what the settings say."""
        return cls(
            settings.audit_share,
            settings.audit_seed,
            settings.dispatch_minutes,
            settings.urgent_dispatch_minutes,
        )

    def draws(self, ticket: Ticket) -> bool:
        """Tell whether a ticket is audited if it is `auto`; the same ticket always gets the same answer."""
        return is_drawn(self.audit_share, self.audit_seed, ticket.ticket_id, input_hash(ticket))

    def due(self, row: dict[str, Any]) -> datetime:
        """Return when a ticket should be dispatched."""
        urgent = Flag.URGENT.value in row["flags"] or Flag.DANGER.value in row["flags"]
        minutes = self.urgent_dispatch_minutes if urgent else self.dispatch_minutes
        start: datetime = row["created_at"] or row["answered_at"]
        return start + timedelta(minutes=minutes)
