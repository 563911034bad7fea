"""Tickets for the review desk: lines that the scoring endpoint takes, each with why a person should look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.tickets.ticket import Ticket


def ticket_line(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket under our own field names, without what it lacks: a line of a ticket file."""
    location = ticket.location
    line = {
        "ticket_id": ticket.ticket_id,
        "text": ticket.text,
        "title": ticket.title,
        "channel": ticket.channel,
        "created_at": ticket.created_at,
        "address": ticket.address,
        "district": ticket.district,
        "location": None if location is None else {"lon": location.lon, "lat": location.lat},
        "department": ticket.department,
    }
    return {key: value for key, value in line.items() if value is not None}


def desk_line(ticket: Ticket, reason: str, why: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ticket with its reason to be reviewed; docs/training.md describes the line."""
    return {**ticket_line(ticket), "review": {"reason": reason, **why}}
