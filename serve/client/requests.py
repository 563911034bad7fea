"""What a caller sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["accepted", "returned", "redispatched", "closed"]
ReturnReason = Literal["jurisdiction", "authority", "overlap", "incomplete", "other"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket to be dispatched; docs/api.md explains the fields.

    `location` is (longitude, latitude) in WGS-84 degrees. What the ticket says is not in its repr.
    """

    ticket_id: str
    text: str = field(repr=False)
    title: str | None = field(default=None, repr=False)
    channel: str | None = None
    created_at: datetime | None = None
    address: str | None = field(default=None, repr=False)
    district: str | None = field(default=None, repr=False)
    location: tuple[float, float] | None = field(default=None, repr=False)
    top_k: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the API; what is None is left out."""
        position = None if self.location is None else {"lon": self.location[0], "lat": self.location[1]}
        return _given(
            ticket_id=self.ticket_id,
            text=self.text,
            title=self.title,
            channel=self.channel,
            created_at=None if self.created_at is None else self.created_at.isoformat(),
            address=self.address,
            district=self.district,
            location=position,
            top_k=self.top_k,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a ticket; the same `event_id` sent twice is one event."""

    event_id: str
    ticket_id: str
    kind: Kind
    happened_at: datetime
    unit: str | None = None
    reason: ReturnReason | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the API; what is None is left out."""
        return _given(
            event_id=self.event_id,
            ticket_id=self.ticket_id,
            kind=self.kind,
            unit=self.unit,
            reason=self.reason,
            happened_at=self.happened_at.isoformat(),
        )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
