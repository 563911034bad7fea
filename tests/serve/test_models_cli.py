from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model import artifact
from model.registry import COMPARISON, Registry
from serve.models_cli import PromotionRefused, models

CONTENT: dict[str, Any] = {
    "encoder": {},
    "columns": {},
    "data": {"until": "2026-01-01"},
    "settings": {},
    "metrics": {"calibration_top1": 0.75},
    "software": {},
}


def _artifact(folder: Path, learned: str, day: int) -> Path:
    with artifact.new_artifact(folder / learned) as scratch:
        (scratch / artifact.HEAD).write_text(learned)
        (scratch / artifact.POLICY).write_text("{}")
        artifact.write_manifest(scratch, created_at=f"2026-01-{day:02}T00:00:00+00:00", **CONTENT)
    return folder / learned


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def names(registry: Registry, tmp_path: Path) -> list[str]:
    return [registry.add(_artifact(tmp_path, name, day)).name for day, name in enumerate("ab", 1)]


def _run(registry: Registry, *words: str) -> str:
    result = CliRunner().invoke(
        models, [*words, "--registry", str(registry.root)], catch_exceptions=False, standalone_mode=False
    )
    return result.output


def test_list_points_to_the_one_that_serves(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[0], "--reason", "first")
    lines = _run(registry, "list").splitlines()
    assert [line[:2] for line in lines] == ["  ", "->"]
    assert names[0] in lines[1]
    assert "top-1 75.0%" in lines[1]


def test_add_prints_the_name(registry: Registry, tmp_path: Path) -> None:
    assert _run(registry, "add", str(_artifact(tmp_path, "c", 3))).startswith("20260103-")


def test_the_second_promotion_needs_a_comparison(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[0], "--reason", "first")
    with pytest.raises(PromotionRefused, match="not compared"):
        _run(registry, "promote", names[1], "--reason", "newer")
    current = registry.current()
    assert current is not None
    assert current.name == names[0]


def test_a_closed_gate_refuses_and_overruling_it_is_remembered(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[0], "--reason", "first")
    old, new = (registry.entry(name).manifest.model_version for name in names)
    registry.reports(names[1]).mkdir(parents=True)
    (registry.reports(names[1]) / COMPARISON).write_text(
        json.dumps(
            {
                "champion": {"model_version": old},
                "challenger": {"model_version": new},
                "gates": [{"name": "family", "passed": False}],
            }
        )
    )
    with pytest.raises(PromotionRefused, match="gate family"):
        _run(registry, "promote", names[1], "--reason", "newer")
    told = _run(registry, "promote", names[1], "--reason", "known", "--by", "王主任", "--overrule")
    assert "by 王主任: known, overruling: gate family" in told
    assert registry.history()[-1].overruled == ("gate family",)


def test_rollback_tells_who_and_why(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[0], "--reason", "first")
    _run(registry, "promote", names[1], "--reason", "newer", "--overrule")
    told = _run(registry, "rollback", "--reason", "worse at night", "--by", "li")
    assert f"rolled back {names[0]} (before: {names[1]}) by li: worse at night" in told


def test_show_tells_the_data_the_figures_and_the_history(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[0], "--reason", "first", "--by", "li")
    told = _run(registry, "show")
    assert "data until: 2026-01-01" in told
    assert "metrics calibration_top1: 0.75" in told
    assert "by li: first" in told


def test_gc_keeps_what_serves_and_says_what_it_would_do(registry: Registry, names: list[str]) -> None:
    _run(registry, "promote", names[1], "--reason", "first")
    assert f"would remove {names[0]}" in _run(registry, "gc", "--keep", "1", "--dry-run")
    assert len(registry.entries()) == 2
    assert f"removed {names[0]}" in _run(registry, "gc", "--keep", "1")
    assert [entry.name for entry in registry.entries()] == [names[1]]
