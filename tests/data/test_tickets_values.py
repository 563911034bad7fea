from __future__ import annotations

from datetime import date, datetime

import pytest

from data.tickets.values import cell_text, parse_date, parse_number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2018-05-01", datetime(2018, 5, 1)),
        ("2018/5/1 13:22", datetime(2018, 5, 1, 13, 22)),
        ("2018.5.1", datetime(2018, 5, 1)),
        ("2018-05-01T13:22:05", datetime(2018, 5, 1, 13, 22, 5)),
        ("2018-05-01T13:22:05.999+08:00", datetime(2018, 5, 1, 13, 22, 5)),
        ("2018-05-01T00:00:00Z", datetime(2018, 5, 1, 8)),
        ("2018-05-01 00:00-05:00", datetime(2018, 5, 1, 13)),
        ("2018年5月1日", datetime(2018, 5, 1)),
        ("2018年5月1日 13时22分5秒", datetime(2018, 5, 1, 13, 22, 5)),
        ("20180501", datetime(2018, 5, 1)),
        (20180501, datetime(2018, 5, 1)),
        ("20180501132205", datetime(2018, 5, 1, 13, 22, 5)),
        (43221.5, datetime(2018, 5, 1, 12)),
        ("1525152000", datetime(2018, 5, 1, 13, 20)),
        (1525152000123, datetime(2018, 5, 1, 13, 20)),
        (date(2018, 5, 1), datetime(2018, 5, 1)),
        (datetime(2018, 5, 1, 1, 2, 3, 4), datetime(2018, 5, 1, 1, 2, 3)),
        (None, None),
        ("  ", None),
    ],
)
def test_understands_dates_as_they_are_written(value: object, expected: datetime | None) -> None:
    assert parse_date(value) == expected


@pytest.mark.parametrize(
    "value",
    ["2018-13-01", "2018-02-30", "昨天", "1018-01-01", "12345", "2018-05-01 25:00", "5/1", True, "2018"],
)
def test_refuses_what_is_no_date(value: object) -> None:
    with pytest.raises(ValueError):
        parse_date(value)


def test_a_citys_own_pattern_goes_first() -> None:
    assert parse_date("01.05.2018 13h", ["%d.%m.%Y %Hh"]) == datetime(2018, 5, 1, 13)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (20180501.0, "20180501"),
        (1.5, "1.5"),
        (float("nan"), None),
        (True, "True"),
        ("  a ", "a"),
        ("", None),
        (None, None),
        ("路灯".encode(), "路灯"),
        (date(2018, 5, 1), "2018-05-01"),
    ],
)
def test_writes_cells_as_a_person_would(value: object, expected: str | None) -> None:
    assert cell_text(value) == expected


@pytest.mark.parametrize("value", ["x", "nan", "inf", "1,5"])
def test_refuses_what_is_no_number(value: str) -> None:
    with pytest.raises(ValueError):
        parse_number(value)
