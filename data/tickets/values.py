"""What one cell of a ticket file says, whatever the format it came in."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_CST = timezone(timedelta(hours=8))
"""China Standard Time: what a file without time zones is written in."""

_DATE = re.compile(
    r"""(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?
    (?:[T\s]*(\d{1,2})\s*[:时点]\s*(\d{1,2})(?:\s*[:分]\s*(\d{1,2})?(?:\.\d+)?\s*秒?)?\s*分?)?
    \s*(?P<zone>Z|[+-]\d{2}:?\d{2})?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_EXCEL_EPOCH = datetime(1899, 12, 30)
_EPOCH_SECONDS = re.compile(r"\d{10}(?:\d{3})?", re.ASCII)
_YEARS = range(1990, 2101)


def cell_text(value: object) -> str | None:
    """Return a cell as text without white space around it; None if it is empty.

    Bytes are taken for UTF-8. Whole numbers that a workbook stores as 20180501.0 lose the
    point; times are written in ISO form.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="surrogateescape")
    elif isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else repr(value)
    elif isinstance(value, date):
        value = value.isoformat()
    return str(value).strip() or None


def parse_number(value: object) -> float | None:
    """Return a cell as a finite number, None if it is empty; raise ValueError otherwise."""
    text = cell_text(value)
    if text is None:
        return None
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def parse_date(value: object, formats: Sequence[str] = ()) -> datetime | None:
    """Return a cell as local time without zone, to the second; None if it is empty.

    `formats` are strptime patterns to try first. Understood without them: 2018-05-01, 2018/5/1 13:22,
    2018年5月1日13时22分, ISO 8601 (zones are turned to UTC+8), 20180501, 20180501132200, Excel
    serials and Unix times in seconds or milliseconds. Raise ValueError for anything else and for years
    outside 1990-2100.
    """
    moment = _moment(value, formats)
    if moment is None:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(_CST).replace(tzinfo=None)
    if moment.year not in _YEARS:
        raise ValueError("year out of range")
    return moment.replace(microsecond=0)


def _moment(value: object, formats: Sequence[str]) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    text = cell_text(value)
    return None if text is None else _parsed(text, formats)


def _parsed(text: str, formats: Sequence[str]) -> datetime:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    for reading in (_written_out, _compact, _excel_serial, _unix_time):
        moment = reading(text)
        if moment is not None:
            return moment
    raise ValueError("not a date")


def _written_out(text: str) -> datetime | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    return datetime(year, month, day, hour, minute, second, tzinfo=_zone(match["zone"]))


def _compact(text: str) -> datetime | None:
    match = _COMPACT_DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    return datetime(year, month, day, hour, minute, second) if year in _YEARS else None


def _excel_serial(text: str) -> datetime | None:
    if not _SERIAL.fullmatch(text):
        return None
    return _EXCEL_EPOCH + timedelta(seconds=round(float(text) * 86400))


def _unix_time(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text[:10]), _CST) if _EPOCH_SECONDS.fullmatch(text) else None


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
