from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model import artifact
from model.errors import ArtifactError
from model.promotion import failed_gates
from model.registry import Registry

CONTENT: dict[str, Any] = {
    "encoder": {},
    "columns": {},
    "data": {},
    "settings": {},
    "metrics": {},
    "software": {},
}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that makes an artifact that learned `learned` on a day of January."""

    def made(learned: str, day: int = 1, policy: str = "{}") -> Path:
        output = tmp_path / f"{learned}-{day}-{len(policy)}"
        with artifact.new_artifact(output) as folder:
            (folder / artifact.HEAD).write_text(learned)
            (folder / artifact.POLICY).write_text(policy)
            (folder / artifact.CATALOG).mkdir()
            (folder / artifact.CATALOG / "catalog.yaml").write_text("city: x")
            artifact.write_manifest(folder, created_at=f"2026-01-{day:02}T00:00:00+00:00", **CONTENT)
        return output

    return made


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def _promote(registry: Registry, name: str) -> None:
    registry.promote(name, by="analyst", reason="better")


def test_an_empty_registry_has_nothing(registry: Registry) -> None:
    assert registry.entries() == []
    assert registry.current() is None
    assert registry.history() == []


def test_the_same_content_is_added_once(registry: Registry, make: Make) -> None:
    source = make("a")
    assert registry.add(source).name == registry.add(source).name
    assert [entry.name for entry in registry.entries()] == [registry.add(source).name]


def test_a_name_tells_the_day_and_the_model(registry: Registry, make: Make) -> None:
    entry = registry.add(make("a", 7))
    assert entry.name.startswith(f"20260107-{entry.manifest.model_version[:8]}-")


def test_another_policy_of_one_model_is_another_entry(registry: Registry, make: Make) -> None:
    first, second = registry.add(make("a")), registry.add(make("a", policy='{"x": 1}'))
    assert first.manifest.model_version == second.manifest.model_version
    assert first.name != second.name


def test_a_damaged_artifact_is_not_added(registry: Registry, make: Make) -> None:
    source = make("a")
    (source / artifact.HEAD).write_text("b")
    with pytest.raises(ArtifactError, match="was changed"):
        registry.add(source)
    assert registry.entries() == []


def test_entries_are_listed_newest_first(registry: Registry, make: Make) -> None:
    old, new = registry.add(make("a", 1)), registry.add(make("b", 2))
    assert [entry.name for entry in registry.entries()] == [new.name, old.name]


def test_the_beginning_of_a_name_is_enough_if_it_is_one_entry_s(registry: Registry, make: Make) -> None:
    first = registry.add(make("a", 1))
    registry.add(make("b", 2))
    assert registry.entry("20260101").name == first.name
    with pytest.raises(ArtifactError, match="2 entries begin with '2026'"):
        registry.entry("2026")
    with pytest.raises(ArtifactError, match="no entries begin with 'x'"):
        registry.entry("x")


def test_a_promotion_turns_the_link_and_is_remembered(registry: Registry, make: Make) -> None:
    entry = registry.add(make("a"))
    registry.promote(entry.name, by="li", reason="first", overruled=("gate x",))
    current = registry.current()
    assert current is not None
    assert current.name == entry.name
    assert artifact.open_artifact(registry.link).identity == entry.manifest.identity
    [change] = registry.history()
    assert (change.action, change.name, change.previous) == ("promoted", entry.name, None)
    assert (change.by, change.reason, change.overruled) == ("li", "first", ("gate x",))


def test_an_entry_damaged_since_is_not_promoted(registry: Registry, make: Make) -> None:
    good, bad = registry.add(make("a", 1)), registry.add(make("b", 2))
    _promote(registry, good.name)
    (bad.folder / artifact.HEAD).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        _promote(registry, bad.name)
    current = registry.current()
    assert current is not None
    assert current.name == good.name
    assert len(registry.history()) == 1


def test_rollback_goes_back_step_by_step(registry: Registry, make: Make) -> None:
    names = [registry.add(make(learned, day)).name for day, learned in enumerate("abc", 1)]
    for name in names:
        _promote(registry, name)
    assert registry.rollback(by="li", reason="worse").name == names[1]
    assert registry.rollback(by="li", reason="worse").name == names[0]
    with pytest.raises(ArtifactError, match="nothing served before"):
        registry.rollback(by="li", reason="worse")
    current = registry.current()
    assert current is not None
    assert current.name == names[0]


def test_what_was_rolled_back_does_not_come_back_by_a_rollback(registry: Registry, make: Make) -> None:
    names = [registry.add(make(learned, day)).name for day, learned in enumerate("abc", 1)]
    _promote(registry, names[0])
    _promote(registry, names[1])
    registry.rollback(by="li", reason="worse")
    _promote(registry, names[2])
    assert registry.rollback(by="li", reason="worse").name == names[0]


def test_a_change_cut_off_before_the_link_turned_did_not_happen(registry: Registry, make: Make) -> None:
    first, second = registry.add(make("a", 1)), registry.add(make("b", 2))
    _promote(registry, first.name)
    _promote(registry, second.name)
    registry.link.unlink()
    registry.link.symlink_to(first.name)
    assert registry.line() == [first.name]


def test_old_entries_are_removable_but_not_the_current_one_nor_the_one_before(
    registry: Registry, make: Make
) -> None:
    names = [registry.add(make(learned, day)).name for day, learned in enumerate("abcd", 1)]
    _promote(registry, names[0])
    _promote(registry, names[1])
    assert [entry.name for entry in registry.removable(1)] == [names[2]]


def test_removing_takes_the_reports_along_and_spares_what_serves(registry: Registry, make: Make) -> None:
    first, second = registry.add(make("a", 1)), registry.add(make("b", 2))
    _promote(registry, second.name)
    registry.reports(first.name).mkdir(parents=True)
    registry.remove(first.name)
    assert not first.folder.exists()
    assert not registry.reports(first.name).exists()
    with pytest.raises(ArtifactError, match="it serves"):
        registry.remove(second.name)


def test_strangers_in_the_folder_are_no_entries(registry: Registry, make: Make) -> None:
    entry = registry.add(make("a"))
    (registry.root / "notes.txt").write_text("x")
    (registry.root / "other").mkdir()
    assert [found.name for found in registry.entries()] == [entry.name]


def test_the_link_still_leads_there_when_the_registry_is_moved(registry: Registry, make: Make) -> None:
    _promote(registry, registry.add(make("a")).name)
    moved = registry.root.with_name("moved")
    registry.root.replace(moved)
    assert Registry(moved).current() is not None
    assert not Registry(moved).link.readlink().is_absolute()


def test_a_broken_history_is_named(registry: Registry, make: Make) -> None:
    _promote(registry, registry.add(make("a")).name)
    (registry.root / "history.jsonl").write_text("{")
    with pytest.raises(ArtifactError, match="unreadable") as raised:
        registry.history()
    assert raised.value.where == str(registry.root / "history.jsonl")


def _comparison(path: Path, champion: str, challenger: str, **gates: bool) -> Path:
    content = {
        "champion": {"model_version": champion},
        "challenger": {"model_version": challenger},
        "gates": [{"name": name, "passed": passed} for name, passed in gates.items()],
    }
    path.write_text(json.dumps(content))
    return path


def test_the_failed_gates_of_a_comparison_are_named(registry: Registry, make: Make, tmp_path: Path) -> None:
    old, new = registry.add(make("a", 1)).manifest, registry.add(make("b", 2)).manifest
    path = _comparison(tmp_path / "c.json", old.model_version, new.model_version, top1=True, ece=False)
    assert failed_gates(path, old, new) == ("ece",)


def test_a_comparison_of_other_models_does_not_count(registry: Registry, make: Make, tmp_path: Path) -> None:
    old, new = registry.add(make("a", 1)).manifest, registry.add(make("b", 2)).manifest
    path = _comparison(tmp_path / "c.json", "x", new.model_version, top1=True)
    with pytest.raises(ArtifactError, match="other models"):
        failed_gates(path, old, new)


def test_an_unreadable_comparison_does_not_open_the_gates(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    manifest = registry.add(make("a")).manifest
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(ArtifactError, match="unreadable comparison"):
        failed_gates(tmp_path / "c.json", manifest, manifest)
