"""How long a caller is willing to wait."""

from __future__ import annotations

import re

from starlette.requests import Request

from serve.errors import Fault, InvalidRequest

DEADLINE = "X-Deadline-Seconds"

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

PARAMETER = {
    "name": DEADLINE,
    "in": "header",
    "required": False,
    "description": "Seconds after which the rules alone answer, if sooner than the service's own setting.",
    "schema": {"type": "number", "exclusiveMinimum": 0},
}
"""The header as OpenAPI describes it."""


def deadline_of(request: Request, longest: float) -> float:
    """Return the seconds that a caller gives the service, `longest` at most and if it does not say.

    Raises:
        InvalidRequest: the header holds no number above 0.
    """
    said = request.headers.get(DEADLINE)
    if said is None:
        return longest
    seconds = float(said) if _NUMBER.fullmatch(said) else 0.0
    if seconds <= 0:
        raise InvalidRequest([Fault("", f"{DEADLINE}: not a number of seconds such as 0.5", "deadline")])
    return min(seconds, longest)
