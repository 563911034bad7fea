"""The day, week, month or year that a digest is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

from data.errors import PaidanError

CITY_TIME = timezone(timedelta(hours=8), "CST")
"""Days begin at midnight in China, which has one zone and no summer time, wherever the server stands."""


class PeriodError(PaidanError):
    """What was given names no day, week, month or year."""


class PeriodKind(StrEnum):
    """How long a digest looks back."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


TITLES = {
    PeriodKind.DAY: "日报告",
    PeriodKind.WEEK: "周分析",
    PeriodKind.MONTH: "月通报",
    PeriodKind.YEAR: "年体检",
}

_FORMS = {
    PeriodKind.DAY: (re.compile(r"\d{4}-\d\d-\d\d"), "2026-11-24"),
    PeriodKind.WEEK: (re.compile(r"\d{4}-W\d\d"), "2026-W48"),
    PeriodKind.MONTH: (re.compile(r"\d{4}-\d\d"), "2026-11"),
    PeriodKind.YEAR: (re.compile(r"\d{4}"), "2026"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """From the day `first` to the day before `end`, in the city's time."""

    kind: PeriodKind
    first: date
    end: date

    @classmethod
    def parse(cls, kind: PeriodKind, text: str) -> Period:
        """Read 2026-11-24, 2026-W48, 2026-11 or 2026, as `kind` wants it; raise PeriodError."""
        form, example = _FORMS[kind]
        try:
            if not form.fullmatch(text):
                raise ValueError
            first = {
                PeriodKind.DAY: lambda: date.fromisoformat(text),
                PeriodKind.WEEK: lambda: date.fromisocalendar(int(text[:4]), int(text[6:]), 1),
                PeriodKind.MONTH: lambda: date.fromisoformat(f"{text}-01"),
                PeriodKind.YEAR: lambda: date(int(text), 1, 1),
            }[kind]()
        except ValueError:
            raise PeriodError(f"{text!r} is no {kind}", where=f"--{kind}", expected=example) from None
        return cls._from(kind, first)

    @classmethod
    def _from(cls, kind: PeriodKind, first: date) -> Period:
        if kind is PeriodKind.DAY:
            return cls(kind, first, first + timedelta(days=1))
        if kind is PeriodKind.WEEK:
            return cls(kind, first, first + timedelta(days=7))
        if kind is PeriodKind.MONTH:
            return cls(kind, first, (first + timedelta(days=31)).replace(day=1))
        return cls(kind, first, date(first.year + 1, 1, 1))

    @property
    def before(self) -> Period:
        """Return the period of the same kind that ends where this one begins."""
        last = self.first - timedelta(days=1)
        first = {
            PeriodKind.DAY: last,
            PeriodKind.WEEK: self.first - timedelta(days=7),
            PeriodKind.MONTH: last.replace(day=1),
            PeriodKind.YEAR: last.replace(month=1, day=1),
        }[self.kind]
        return Period(self.kind, first, self.first)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Return the first moment, and the one after the last, in UTC."""
        start, end = (
            datetime(day.year, day.month, day.day, tzinfo=CITY_TIME).astimezone(UTC)
            for day in (self.first, self.end)
        )
        return start, end

    def __str__(self) -> str:
        last = self.end - timedelta(days=1)
        return f"{self.first}" if last == self.first else f"{self.first} 至 {last}"
