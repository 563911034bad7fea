"""`paidan report` and `paidan compare` with a real, small artifact: what they write, and what they refuse."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from data.tickets.columns import ColumnMapping
from model import artifact as artifacts
from model.artifact import read_manifest
from model.dispatcher import Dispatcher
from model.policy import Policy
from model.policy_trial import write_with_policy
from model.promotion import failed_gates
from model.registry import COMPARISON
from training.errors import TrainingError
from training.report.cli import commands
from training.settings import load_settings
from training.train import TrainingRequest, train

COMPLAINTS = {
    "东湖区城管局": "东湖区摊贩占道经营",
    "西河区城管局": "西河区垃圾堆满没有清运",
    "山海市水务集团": "家里自来水停供",
}


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 300 tickets, two a day from 2026-01-01 on."""
    path = tmp_path_factory.mktemp("tickets") / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        for number in range(300):
            unit = list(COMPLAINTS)[number % 3]
            character = chr(0x4E00 + number)
            day = datetime(2026, 1, 1) + timedelta(hours=12 * number)
            writer.writerow([number, f"居民{character}反映，{COMPLAINTS[unit]}{number}天了。", day, unit])
    return path


@pytest.fixture(scope="module")
def artifact(
    tickets: Path, small_catalog, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    threads = torch.get_num_threads()
    request = TrainingRequest(
        tickets=tickets,
        columns=ColumnMapping.identity(),
        catalog=small_catalog,
        settings=load_settings(
            encoder=str(tiny_checkpoint),
            layers=1,
            max_tokens=32,
            epochs=2,
            learning_rate=1e-3,
            calibration_share=0.2,
            threads=1,
        ),
        output=tmp_path_factory.mktemp("trained") / "artifact",
        until=datetime(2026, 4, 30).date(),
    )
    path = train(request)
    torch.set_num_threads(threads)
    return path


def with_threshold(artifact: Path, output: Path, auto: float) -> Path:
    """Copy an artifact with a policy that routes from this score on."""
    policy = Policy.load(artifact / artifacts.POLICY)
    groups = {name: replace(group, auto=auto) for name, group in policy.groups.items()}
    write_with_policy(artifact, replace(policy, groups=groups, never_auto=()), output, {})
    return output


@pytest.fixture(scope="module")
def bold(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same model under a policy that routes all it can."""
    return with_threshold(artifact, tmp_path_factory.mktemp("bold") / "artifact", 0.0)


@pytest.fixture(scope="module")
def cautious(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same model under a policy that routes nothing by itself."""
    return with_threshold(artifact, tmp_path_factory.mktemp("cautious") / "artifact", 2.0)


def run(*words: object) -> str:
    result = CliRunner().invoke(commands, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_report_is_of_the_days_asked_for(artifact: Path, tickets: Path, tmp_path: Path) -> None:
    said = run(
        "report", "--artifact", artifact, "--tickets", tickets, "--since", "2026-05-01", "--output", tmp_path
    )
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert content["headline"]["tickets"] == 60
    assert (content["data"]["measured"]["first_day"], content["data"]["measured"]["last_day"]) == (
        "2026-05-01",
        "2026-05-30",
    )
    assert content["data"]["measured"]["in_training_period"] == 0
    assert content["data"]["trained"]["until"] == "2026-04-30"
    assert {unit["learned"] for unit in content["units"]} == {80}
    assert content["comparison"] is None
    assert said == f"report: {tmp_path / 'report.html'}\n"


def test_tickets_of_the_training_are_pointed_out(artifact: Path, tickets: Path, tmp_path: Path) -> None:
    run("report", "--artifact", artifact, "--tickets", tickets, "--output", tmp_path)
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert content["data"]["measured"]["in_training_period"] == 240
    assert "数字会偏高" in (tmp_path / "report.html").read_text("utf-8")


def test_the_report_tells_what_the_endpoint_would(artifact: Path, tickets: Path, tmp_path: Path) -> None:
    from training.report.evaluation import evaluate
    from training.report.labelled import read_labelled

    dispatcher = Dispatcher.load(artifact, threads=1)
    labelled = read_labelled(tickets, ColumnMapping.identity(), [dispatcher.catalog])
    found = evaluate(dispatcher, labelled)
    decisions = dispatcher.score(labelled.tickets)
    assert found.levels.tolist() == [decision.level.value for decision in decisions]
    assert [found.units[row].code for row in found.first] == [
        decision.candidates[0].department.code for decision in decisions
    ]
    assert list(found.flags) == [decision.flags for decision in decisions]


def test_a_cautious_challenger_stops_at_the_gate(
    bold: Path, cautious: Path, tickets: Path, tmp_path: Path
) -> None:
    said = run(
        "compare", "--champion", bold, "--challenger", cautious, "--tickets", tickets, "--output", tmp_path
    )
    assert "FAILED  auto_share" in said
    assert "gates: FAILED" in said
    closed = failed_gates(tmp_path / COMPARISON, read_manifest(bold), read_manifest(cautious))
    assert "auto_share" in closed
    assert "top1" not in closed


def test_own_gates_are_kept(bold: Path, cautious: Path, tickets: Path, tmp_path: Path) -> None:
    gates = tmp_path / "gates.yaml"
    gates.write_text("auto_share_loss: 1\nlatency_ratio: 100\ncalibration_error: 1\n")
    said = run(
        "compare", "--champion", bold, "--challenger", cautious, "--tickets", tickets,
        "--gates", gates, "--without-text", "--output", tmp_path / "out",
    )  # fmt: skip
    assert "gates: passed" in said
    assert "居民" not in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_days_without_tickets_are_refused_and_nothing_is_written(
    artifact: Path, tickets: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="no ticket can be measured"):
        run(
            "report",
            "--artifact",
            artifact,
            "--tickets",
            tickets,
            "--since",
            "2030-01-01",
            "--output",
            tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_refused_at_once(
    artifact: Path, tickets: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "report"
    taken.write_text("")
    with pytest.raises(TrainingError, match="is a file"):
        run("report", "--artifact", artifact, "--tickets", tickets, "--output", taken)
