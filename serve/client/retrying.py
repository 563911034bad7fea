"""When a call is tried again, and how long it waits before."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

_RETRIED = frozenset({429, 503})
_BROKEN = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ProxyError)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_JITTER = 0.25
_CONNECT_SECONDS = 3.0
_SHORTEST = 0.001


class Attempts:
    """The attempts of one call: at most `retries` more than one, and `seconds` for all of them together.

    A call may be repeated safely: the service knows a ticket and an event again by their ids.
    """

    def __init__(self, seconds: float, retries: int) -> None:
        self._ends = monotonic() + seconds
        self._retries = retries
        self._failed = 0

    def timeout(self) -> httpx.Timeout:
        """Return what the next attempt may take: all the time that is left, to connect less."""
        left = max(_SHORTEST, self._ends - monotonic())
        return httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))

    def pause_after(self, outcome: httpx.Response | httpx.RequestError) -> float | None:
        """Return the seconds to wait before the next attempt; None if `outcome` is the last word.

        It is never less than Retry-After asks for, and some more, lest all callers come back at once. If that
        is more than the time left, waiting is of no use.
        """
        asked = 0.0
        if isinstance(outcome, httpx.Response):
            if outcome.status_code not in _RETRIED:
                return None
            asked = retry_after(outcome.headers.get("retry-after", ""))
        elif not isinstance(outcome, _BROKEN):  # a wrong address stays wrong
            return None
        if self._failed == self._retries:
            return None
        usual = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self._failed)
        self._failed += 1
        pause = max(asked, usual) * random.uniform(1, 1 + _JITTER)
        return pause if monotonic() + pause < self._ends else None


def retry_after(header: str) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110: seconds or a date); 0 if none."""
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
