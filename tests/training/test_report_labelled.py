"""Which tickets of a file are measured, and what is said of the others."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from data.tickets.columns import ColumnMapping
from training.errors import TrainingError
from training.report.labelled import read_labelled

ROWS = [
    ("1", "东湖区门口摊贩占道1号", "2026-04-01", "东湖区城管局"),
    ("2", "东湖区门口摊贩占道二号", "2026-04-30", "东湖城管"),
    ("3", "东湖区门口摊贩占道,9号", "2026-05-01", "东湖区城管局"),  # the text of 1 but for a digit
    ("4", "西河区垃圾没有清运", "2026-05-02", "西河区城管局"),
    ("5", "家里停水两天了", "2026-05-31", "山海市水务集团"),
    ("6", "家里水压太低", "2026-06-01", "山海市水务集团"),
    ("7", "哪里办证", "2026-05-03", "别的单位"),
    ("8", "没有日期的诉求", "", "山海市水务集团"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        writer.writerows(ROWS)
    return path


def read(file: Path, catalog, **days):
    return read_labelled(file, ColumnMapping.identity(), [catalog], **days)


def test_without_days_all_usable_tickets_are_measured(file, small_catalog):
    labelled = read(file, small_catalog)
    assert [ticket.ticket_id for ticket in labelled.tickets] == ["1", "2", "3", "4", "5", "6", "8"]
    assert labelled.learned == {}


def test_the_days_choose_and_what_was_seen_before_is_left_out(file, small_catalog):
    labelled = read(file, small_catalog, since=date(2026, 5, 1), until=date(2026, 5, 31))
    assert [ticket.ticket_id for ticket in labelled.tickets] == ["4", "5"]
    assert labelled.source.seen_before == 1


def test_every_row_is_accounted_for(file, small_catalog):
    labelled = read(file, small_catalog, since=date(2026, 5, 1), until=date(2026, 5, 31))
    source = labelled.source
    assert source.rows == 8
    assert source.rows == source.left_out + sum(source.rejected.values()) + source.outside + source.seen_before + len(labelled.tickets)  # fmt: skip
    assert source.unknown_units == (("别的单位", 1),)


def test_earlier_tickets_are_counted_by_unit(file, small_catalog):
    labelled = read(file, small_catalog, since=date(2026, 5, 1))
    assert labelled.learned == {"东湖区城管局": 2, "东湖城管": 1, "山海市水务集团": 1}


def test_the_label_stays_as_the_file_has_it(file, small_catalog):
    assert read(file, small_catalog).tickets[1].department == "东湖城管"


def test_no_ticket_in_the_days_is_refused(file, small_catalog):
    with pytest.raises(TrainingError, match=r"no ticket can be measured \(7 usable"):
        read(file, small_catalog, since=date(2027, 1, 1))


def test_days_out_of_order_are_refused(file, small_catalog):
    with pytest.raises(TrainingError, match="days in order"):
        read(file, small_catalog, since=date(2026, 5, 2), until=date(2026, 5, 1))
