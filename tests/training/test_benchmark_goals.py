from __future__ import annotations

import json
from pathlib import Path

import yaml

from training.benchmark_goals import of_catalog

DUTIES = Path("configs/catalog/haikou_duties.yaml")


def test_what_others_lose_is_the_difference_of_two_rows(tmp_path: Path) -> None:
    rows = [
        {"units": 20, "top1": 0.3, "top3": 0.5},
        {"units": 19, "top1": 0.1, "top3": 0.25},
        {"units": 99, "top1": 0.8, "top3": 0.9},
        {"units": 99, "top1": 0.79, "top3": 0.895},
    ]
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"rows": rows}), "utf-8")
    assert [reached for _, _, reached in of_catalog(report)] == ["50.0%", "25.0%", "1.0 / 0.5"]


def test_each_duty_text_says_something() -> None:
    duties = yaml.safe_load(DUTIES.read_text("utf-8"))
    assert all(isinstance(text, str) and len(text) >= 20 for text in duties.values())
