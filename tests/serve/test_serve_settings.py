from __future__ import annotations

from pathlib import Path

import pytest

from data.tickets.ticket import MAX_TEXT_LENGTH
from serve.settings import ServeSettings, ServeSettingsError, default_settings, load_settings


def test_yaml_and_schema_name_the_same_settings():
    assert set(default_settings()) == set(ServeSettings.model_fields)


def test_no_setting_has_its_default_in_the_schema():
    assert all(field.is_required() for field in ServeSettings.model_fields.values())


def test_every_default_is_explained():
    lines = Path("configs/serve.yaml").read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            assert lines[number - 1].startswith("#"), line


def test_default_text_limit_is_that_of_tickets():
    assert load_settings().max_text_length == MAX_TEXT_LENGTH


def test_file_wins_over_defaults(tmp_path: Path):
    (tmp_path / "s.yaml").write_text("port: 1234\n")
    assert load_settings(tmp_path / "s.yaml").port == 1234


def test_environment_wins_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "s.yaml").write_text("port: 1234\n")
    monkeypatch.setenv("PAIDAN_PORT", "1235")
    assert load_settings(tmp_path / "s.yaml").port == 1235


def test_option_wins_over_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAIDAN_PORT", "1235")
    assert load_settings(port=1236).port == 1236


def test_option_that_is_not_given_changes_nothing():
    assert load_settings(port=None).port == 8000


def test_environment_can_say_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "s.yaml").write_text("threads: 3\n")
    monkeypatch.setenv("PAIDAN_THREADS", "null")
    assert load_settings(tmp_path / "s.yaml").threads is None


@pytest.mark.parametrize("content", ["colour: red", "port: 70000", "top_k: 50", "[1]", "a: [", "port: x"])
def test_wrong_settings_are_refused_with_the_file(content: str, tmp_path: Path):
    (tmp_path / "s.yaml").write_text(content)
    with pytest.raises(ServeSettingsError, match=r"s\.yaml"):
        load_settings(tmp_path / "s.yaml")


def test_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ServeSettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")
