"""What became of dispatched tickets, from files of the events that the hotline system reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from data.feedback import FeedbackKind, follow
from training.errors import TrainingError

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""When an event without a time happened: before all that have one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last word on a ticket: the unit that holds it, and units that sent it back.

    `moving` is a ticket that was redispatched and that nobody has taken since.
    """

    held: str | None
    returned: frozenset[str]
    moving: bool

    def corrected(self, unit: str | None) -> str | None:
        """Return the unit to learn from for a ticket filed under `unit`; None if none is known.

        A unit that sent the ticket back is not it, nor is one that it was taken from; nothing is concluded
        from that for another one.
        """
        if self.held is not None:
            return self.held
        return None if self.moving or unit in self.returned else unit


def read_outcomes(paths: Iterable[Path]) -> Mapping[str, Outcome]:
    """Read events, one JSON object a line, into the outcome of each ticket, by its id.

    An event has the fields of the endpoint `/v1/feedback`: `ticket_id`, `kind` (accepted, returned,
    redispatched or closed), `unit`, and `happened_at`, by which those of all files are ordered.

    Raises:
        TrainingError: a file cannot be read, or a line is no event.
    """
    of_ticket: dict[str, list[tuple[str, str | None]]] = {}
    events = [event for path in paths for event in _events(path)]
    for _, ticket_id, kind, unit in sorted(events, key=lambda event: event[0]):
        of_ticket.setdefault(ticket_id, []).append((kind, unit))
    return {
        ticket_id: Outcome(*follow(found), moving=found[-1][0] == FeedbackKind.REDISPATCHED)
        for ticket_id, found in of_ticket.items()
    }


def _events(path: Path) -> Iterator[tuple[datetime, str, str, str | None]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise TrainingError(f"cannot be read ({error.strerror})", where=str(path)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = orjson.loads(line)
            kind, at = FeedbackKind(event["kind"]), event.get("happened_at")
            moment = _LONG_AGO if at is None else datetime.fromisoformat(at)
            aware = moment if moment.tzinfo else moment.astimezone()
            yield aware, str(event["ticket_id"]), kind.value, event.get("unit")
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise TrainingError(
                "not an event",
                where=f"{path}, line {number}",
                expected='a line such as {"ticket_id": "1", "kind": "closed", "unit": "..", "happened_at": '
                '"2026-05-01T10:15:00+08:00"}',
            ) from error
