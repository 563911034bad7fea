"""The time that the page looks back over, and moments as a database groups them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func
from sqlalchemy.orm import InstrumentedAttribute

from serve.insight.period import CITY_TIME
from serve.store.engine import Store

Moment = InstrumentedAttribute[datetime]

_HOUR = "%Y-%m-%d %H"


class Window(StrEnum):
    """How far back: since midnight in the city, or so many days with today as the last."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"

    @property
    def label(self) -> str:
        """Return what the page calls it."""
        return {Window.TODAY: "今天", Window.WEEK: "近 7 天", Window.MONTH: "近 30 天"}[self]

    def start(self, at: datetime) -> datetime:
        """Return the first moment, in UTC."""
        days = {Window.TODAY: 0, Window.WEEK: 6, Window.MONTH: 29}[self]
        midnight = at.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - timedelta(days=days)).astimezone(UTC)

    def slots(self, at: datetime) -> list[str]:
        """Return the hours of today, or the days, up to now, as the page labels them."""
        start, end = (moment.astimezone(CITY_TIME) for moment in (self.start(at), at))
        step = timedelta(hours=1) if self is Window.TODAY else timedelta(days=1)
        return [self._label(start + i * step) for i in range(int((end - start) / step) + 1)]

    def slot(self, hour: str) -> str:
        """Return the label of the slot that an hour of `hour_of` falls into."""
        return self._label(datetime.strptime(hour, _HOUR).replace(tzinfo=UTC).astimezone(CITY_TIME))

    def _label(self, at: datetime) -> str:
        return f"{at:%H}:00" if self is Window.TODAY else f"{at:%m-%d}"


def hour_of(store: Store, column: Moment) -> ColumnElement[str]:
    """Return the hour of a moment in UTC, such as 2026-11-24 09, to group by."""
    if store.is_postgresql:
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")
    return func.substr(column, 1, 13)  # SQLite keeps moments as text


def minutes_between(store: Store, earlier: Moment, later: Moment) -> ColumnElement[int]:
    """Return the whole minutes, rounded, from one moment to another."""
    passed: ColumnElement[Any] = (
        func.extract("epoch", later - earlier) / 60
        if store.is_postgresql
        else (func.julianday(later) - func.julianday(earlier)) * 1440
    )
    return cast(func.round(passed), Integer)
