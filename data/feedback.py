"""What becomes of a dispatched ticket, and who holds it after all that was reported."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class FeedbackKind(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"  # 签收
    RETURNED = "returned"  # 退单
    REDISPATCHED = "redispatched"  # 改派, to `unit`
    CLOSED = "closed"  # 办结


def follow(events: Iterable[tuple[str, str | None]]) -> tuple[str | None, frozenset[str]]:
    """Return who holds a ticket after events (kind, unit) in the order they happened, and who sent it back.

    To be sent to a unit is not yet to be held by it. A unit that takes the ticket later on is not among those
    that sent it back.
    """
    held: str | None = None
    returned: set[str] = set()
    for kind, unit in events:
        if kind in {FeedbackKind.ACCEPTED, FeedbackKind.CLOSED} and unit is not None:
            held = unit
            returned.discard(unit)
        elif kind == FeedbackKind.RETURNED and unit is not None:
            returned.add(unit)
            held = None if held == unit else held
        elif kind == FeedbackKind.REDISPATCHED:
            held = None
    return held, frozenset(returned)
