"""Reports lose their texts with time, and a comparison finds its way into the registry."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from data.tickets.columns import ColumnMapping
from model.promotion import closed_gates
from model.registry import Entry, Registry
from training.cli import commands
from training.errors import TrainingError
from training.report.retention import purge_reports
from training.settings import load_settings
from training.train import TrainingRequest, train

WORDS = "摊贩占道经营"


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tickets") / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        for number in range(200):
            # The rarer unit's tickets read like the other's, so that some are missed.
            unit = "西河区城管局" if number % 5 == 0 else "东湖区城管局"
            day = datetime(2026, 1, 1) + timedelta(hours=12 * number)
            writer.writerow([number, f"居民{chr(0x4E00 + number)}反映，{WORDS}。", day, unit])
    return path


@pytest.fixture(scope="module")
def artifacts(
    tickets: Path, small_catalog, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    threads = torch.get_num_threads()
    made = [
        train(
            TrainingRequest(
                tickets=tickets,
                columns=ColumnMapping.identity(),
                catalog=small_catalog,
                settings=load_settings(
                    encoder=str(tiny_checkpoint), layers=None, max_tokens=32, epochs=1, seed=seed, threads=1
                ),
                output=tmp_path_factory.mktemp("trained") / "artifact",
            )
        )
        for seed in (1, 2)
    ]
    torch.set_num_threads(threads)
    return made


@pytest.fixture
def registry(artifacts: list[Path], tmp_path: Path) -> tuple[Registry, Entry, Entry]:
    kept = Registry(tmp_path / "registry")
    champion, challenger = (kept.add(artifact) for artifact in artifacts)
    kept.promote(champion.name, by="li", reason="first")
    return kept, champion, challenger


def run(*words: object) -> str:
    result = CliRunner().invoke(commands, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def compare(kept: Registry, challenger: Path, tickets: Path, *more: object) -> str:
    return run(
        "compare", "--champion", kept.link, "--challenger", challenger, "--tickets", tickets, *more
    )  # fmt: skip


def test_a_comparison_goes_where_a_promotion_looks_for_it(
    registry: tuple[Registry, Entry, Entry], tickets: Path
) -> None:
    kept, _, challenger = registry
    assert closed_gates(kept, challenger.name)[0].startswith("it was not compared")
    compare(kept, challenger.folder, tickets, "--without-text")
    assert not any("not compared" in reason for reason in closed_gates(kept, challenger.name))
    assert (kept.reports(challenger.name) / "report.html").exists()


def test_an_artifact_of_no_registry_needs_an_output(
    registry: tuple[Registry, Entry, Entry], artifacts: list[Path], tickets: Path
) -> None:
    with pytest.raises(TrainingError, match="in no registry"):
        compare(registry[0], artifacts[1], tickets)


def test_old_reports_lose_their_texts_and_keep_their_figures(
    registry: tuple[Registry, Entry, Entry], tickets: Path
) -> None:
    kept, _, challenger = registry
    compare(kept, challenger.folder, tickets)
    folder = kept.reports(challenger.name)
    before = json.loads((folder / "report.json").read_text("utf-8"))
    assert before["misses"]
    assert WORDS in (folder / "report.html").read_text("utf-8")
    assert purge_reports(kept.root, days=1) == []

    assert "1 reports emptied" in run("reports", "purge", "--days", 0, "--registry", kept.root)
    after = json.loads((folder / "report.json").read_text("utf-8"))
    for path in folder.iterdir():
        assert WORDS not in path.read_text("utf-8"), path.name
    assert after["headline"] == before["headline"]
    assert [miss["ticket_id"] for miss in after["misses"]] == [miss["ticket_id"] for miss in before["misses"]]
    assert purge_reports(kept.root, days=0) == []


def test_a_purged_report_is_what_one_without_text_would_have_been(
    registry: tuple[Registry, Entry, Entry], tickets: Path
) -> None:
    kept, _, challenger = registry
    path = kept.reports(challenger.name) / "report.json"
    compare(kept, challenger.folder, tickets)
    purge_reports(kept.root, days=0)
    purged = json.loads(path.read_text("utf-8"))
    compare(kept, challenger.folder, tickets, "--without-text")
    written = json.loads(path.read_text("utf-8"))
    for key in ("with_texts", "misses", "headline", "examples_of_flips"):
        assert purged[key] == written[key]


def test_a_report_that_cannot_be_read_is_named(registry: tuple[Registry, Entry, Entry]) -> None:
    kept, _, challenger = registry
    kept.reports(challenger.name).mkdir(parents=True)
    (kept.reports(challenger.name) / "report.json").write_text("{}")
    with pytest.raises(TrainingError, match="unreadable"):
        purge_reports(kept.root, days=0)
