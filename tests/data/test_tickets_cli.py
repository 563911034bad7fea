from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.cli import commands
from data.tickets.columns import ColumnsError

runner = CliRunner()


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    path.write_text(
        "ticket_id,text,created_at,department\n1,路灯不亮,2018-05-01,城管局\n2,积水,昨天,水务局\n3,！,,[b]局\n",
        "utf-8",
    )
    return path


def test_check_tells_what_is_usable_and_why_not_the_rest(tickets: Path, tmp_path: Path) -> None:
    result = runner.invoke(
        commands, ["tickets", "check", str(tickets), "--rejects", str(tmp_path / "out.csv")]
    )
    assert result.exit_code == 0
    for line in ("rows", "usable", "bad_date", "no_words", "2018-05-01 to 2018-05-01"):
        assert line in result.stdout
    assert (tmp_path / "out.csv").read_text("utf-8-sig").count("\n") == 3


def test_check_fails_when_no_row_is_usable(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("text\n！\n", "utf-8")
    result = runner.invoke(commands, ["tickets", "check", str(path)])
    assert result.exit_code == 1
    assert "no row can be used" in result.stderr


def test_check_reads_by_a_columns_file(tickets: Path, tmp_path: Path) -> None:
    columns = tmp_path / "columns.yaml"
    columns.write_text("text: 诉求\n", "utf-8")
    result = runner.invoke(commands, ["tickets", "check", str(tickets), "--columns", str(columns)])
    assert isinstance(result.exception, ColumnsError)


def test_data_brings_its_three_groups_of_commands() -> None:
    result = runner.invoke(commands, ["--help"])
    for group in ("tickets", "gazetteer", "catalog"):
        assert group in result.stdout
