from __future__ import annotations

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from training.errors import TrainingError
from training.settings import TrainingSettings, default_settings, load_settings

TRAIN_CONFIGS = sorted(Path(str(files("configs") / "train")).glob("*.yaml"))


def test_defaults_and_schema_have_the_same_keys() -> None:
    assert list(default_settings()) == list(TrainingSettings.model_fields)


def test_the_schema_has_no_defaults_of_its_own() -> None:
    assert all(field.is_required() for field in TrainingSettings.model_fields.values())


def test_defaults_are_valid() -> None:
    assert load_settings().model_dump() == default_settings()


def test_every_default_is_explained() -> None:
    lines = (files("configs") / "default.yaml").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if line and not line.startswith("#"):
            assert before.startswith("# "), line


@pytest.mark.parametrize("path", TRAIN_CONFIGS, ids=lambda path: path.stem)
def test_every_config_names_known_settings(path: Path) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content.keys() <= TrainingSettings.model_fields.keys()
    assert load_settings(path).model_dump() == default_settings() | content


def test_there_are_configs_to_check() -> None:
    assert {path.stem for path in TRAIN_CONFIGS} >= {"haikou", "sample"}


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 7\n")
    assert load_settings(path).model_dump() == default_settings() | {"epochs": 7}


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 7\n")
    assert load_settings(path, epochs=9).epochs == 9


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# nothing\n")
    assert load_settings(path) == load_settings()


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epoch: 7\n")
    with pytest.raises(TrainingError, match="setting epoch:") as raised:
        load_settings(path)
    assert raised.value.where == str(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("batch_size", 1.5),
        ("layers", 0),
        ("max_tokens", 4),
        ("max_tokens", 513),
        ("learning_rate", -1e-4),
        ("dropout", 1.0),
        ("warmup", -0.1),
        ("calibration_share", 0.6),
        ("auto_precision", 1.0),
        ("pooling", "max"),
        ("encoder", ""),
        ("seed", "x"),
    ],
)
def test_a_setting_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(TrainingError, match=f"setting {name}:"):
        load_settings(**{name: value})


@pytest.mark.parametrize("content", ["- 1\n", "a: [", "3\n"])
def test_a_file_that_holds_no_settings_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(TrainingError) as raised:
        load_settings(path)
    assert raised.value.where == str(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read") as raised:
        load_settings(tmp_path / "nowhere.yaml")
    assert raised.value.where == str(tmp_path / "nowhere.yaml")
