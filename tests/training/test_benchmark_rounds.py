from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

from data.tickets.columns import ColumnMapping
from training.bench_trainer import OURS, row_of
from training.benchmark_rounds import Months, last_day


def test_a_month_ends_on_its_last_day() -> None:
    assert [last_day("2018-02"), last_day("2020-02"), last_day("2018-12")] == [
        date(2018, 2, 28),
        date(2020, 2, 29),
        date(2018, 12, 31),
    ]


def test_tickets_are_parted_by_month_and_joined_up_to_one(tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        for number, day in enumerate(["2018-03-01", "2018-01-31", "2018-02-01", "2018-01-02"]):
            writer.writerow(
                [number, f"居民反映第{'一二三四'[number]}条路上的路灯不亮。", day, "山海市城管局"]
            )
    months = Months.part(file, ColumnMapping.identity(), tmp_path / "work")
    assert months.names == ["2018-01", "2018-02", "2018-03"]
    ids = [json.loads(line)["ticket_id"] for line in months.up_to("2018-02").read_text("utf-8").splitlines()]
    assert ids == ["1", "3", "2"]
    assert len(months.everything.read_text("utf-8").splitlines()) == 4


def test_times_are_medians_a_ticket_beside_ours() -> None:
    run = {"cpu": 4.0, "top1": 0.5, "top3": 0.7}
    ours = row_of(OURS, [{**run, "wall": 2.0}, {**run, "wall": 4.0}], {}, seen=100)
    other = row_of("other", [{**run, "wall": 9.0, "cpu": 6.0}], ours, seen=100)
    assert (ours["wall"], ours["times"]) == (30.0, 1.0)
    assert (other["wall"], other["times"], other["times_cpu"]) == (90.0, 3.0, 1.5)
