"""What became of dispatched tickets, from a file of the events that the hotline system reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from training.errors import TrainingError

_HELD = {"accepted", "closed", "redispatched"}
_RETURNED = "returned"
_KINDS = _HELD | {_RETURNED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last word on a ticket: the unit that holds it, or units that sent it back and nobody since."""

    held: str | None
    returned: frozenset[str]

    def corrected(self, unit: str | None) -> str | None:
        """Return the unit to learn from for a ticket filed under `unit`; None if none is known.

        A unit that sent the ticket back is not it; nothing is concluded from that for another one.
        """
        if self.held is not None:
            return self.held
        return None if unit in self.returned else unit


def read_outcomes(path: Path) -> Mapping[str, Outcome]:
    """Read events, one JSON object a line, into the outcome of each ticket, by its id.

    An event has the fields of the endpoint `/v1/feedback`: `ticket_id`, `kind` (accepted, returned,
    redispatched or closed), `unit`, and `happened_at`, by which they are ordered.

    Raises:
        TrainingError: the file cannot be read, or a line is no event.
    """
    events: list[tuple[str, int, str, str, str | None]] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise TrainingError(f"cannot be read ({error.strerror})", where=str(path)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = orjson.loads(line)
            kind, unit = event["kind"], event.get("unit")
            events.append((str(event.get("happened_at", "")), number, str(event["ticket_id"]), kind, unit))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise _no_event(path, number) from error
        if kind not in _KINDS:
            raise _no_event(path, number)
    outcomes: dict[str, Outcome] = {}
    for _, _, ticket_id, kind, unit in sorted(events):
        before = outcomes.get(ticket_id, Outcome(None, frozenset()))
        if kind == _RETURNED:
            gone = before.returned | {unit} if unit else before.returned
            outcomes[ticket_id] = Outcome(None if unit in (None, before.held) else before.held, gone)
        elif unit:
            outcomes[ticket_id] = Outcome(unit, before.returned - {unit})
    return outcomes


def _no_event(path: Path, number: int) -> TrainingError:
    return TrainingError(
        "not an event",
        where=f"{path}, line {number}",
        expected='a line such as {"ticket_id": "1", "kind": "closed", "unit": "..", "happened_at": ".."}',
    )
