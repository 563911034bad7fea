"""One citizen's request (工单), as it comes in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MAX_TEXT_LENGTH = 20_000
"""Longest accepted ticket text, in characters; anything longer is a mistake in the caller's export."""


@dataclass(frozen=True, slots=True)
class Location:
    """A WGS-84 position, in degrees."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is known of a ticket when it must be dispatched.

    `department` is the label: the unit that finally handled it, by the name or
    code the file uses. It is set on past tickets only.
    """

    ticket_id: str
    text: str
    title: str | None = None
    channel: str | None = None
    created_at: datetime | None = None
    address: str | None = None
    district: str | None = None
    location: Location | None = None
    department: str | None = None
