"""The days that an export is about."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from data.errors import PaidanError
from serve.export.reviewed import Period
from serve.insight.period import CITY_TIME


class DaysError(PaidanError):
    """What was given is no day, or the days run backwards."""


def period_of(since: str | None, until: str | None) -> Period:
    """Read two days such as 2026-11-24, both inclusive, in the city's time; raise DaysError."""
    first, last = _day(since, "--since"), _day(until, "--until")
    if first and last and last < first:
        raise DaysError("the last day is before the first", where="--until")
    return Period(_midnight(first) if first else None, _midnight(last + timedelta(1)) if last else None)


def _day(text: str | None, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DaysError("is no day", where=where, expected="such as 2026-11-24") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CITY_TIME)
