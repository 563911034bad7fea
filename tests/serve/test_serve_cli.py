from __future__ import annotations

import json
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from serve import cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, scorer, capsys):
    """Run `paidan ARGS` in this process with a stub for the model; give exit code, output, errors."""
    monkeypatch.setattr("serve.running.load_scorer", lambda settings: scorer)
    monkeypatch.setattr("serve.logs.configure_logs", lambda level: None)

    def run_paidan(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["paidan", *map(str, args)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_paidan


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    return write_rows(tmp_path, ("ticket_id", "text"), ("a", "东湖区停水"), ("b", "😀"))


def write_rows(folder: Path, headers: tuple[str, ...], *rows: tuple[str, ...]) -> Path:
    path = folder / "in.jsonl"
    lines = (json.dumps(dict(zip(headers, row, strict=True)), ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_score_writes_a_line_for_each_row(run, tickets: Path, tmp_path: Path):
    code, _, err = run("score", tickets, "--output", tmp_path / "out.jsonl", "--top-k", 1)
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert len(lines[0]["candidates"]) == 2
    assert lines[1]["status"] == 422
    assert "1 scored, 1 could not be used" in err


def test_score_uses_a_columns_file(run, tmp_path: Path):
    write_rows(tmp_path, ("编号", "内容"), ("a", "停水"))
    (tmp_path / "columns.yaml").write_text("ticket_id: 编号\ntext: 内容\n", "utf-8")
    args = ("--columns", tmp_path / "columns.yaml", "--output", tmp_path / "out.jsonl")
    assert run("score", tmp_path / "in.jsonl", *args)[0] == 0
    assert json.loads((tmp_path / "out.jsonl").read_bytes())["ticket_id"] == "a"


def test_score_uses_the_columns_of_the_artifact(run, scorer, tmp_path: Path):
    scorer.columns = ColumnMapping.from_dict({"ticket_id": "编号", "text": "内容"})
    write_rows(tmp_path, ("编号", "内容"), ("a", "停水"))
    assert run("score", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")[0] == 0


def test_score_exits_1_when_the_model_fails_on_a_row(run, tmp_path: Path):
    write_rows(tmp_path, ("ticket_id", "text"), ("a", "poison"), ("b", "停水"))
    code, _, err = run("score", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")
    assert code == 1
    assert "failed on 1 rows" in err
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("file", "output", "message"),
    [
        ("-", "out.jsonl", "standard input"),
        ("in.jsonl", "-", "standard input"),
        ("none.jsonl", "out.jsonl", "there is no such file"),
        ("in.jsonl", "in.jsonl", "overwritten"),
        ("in.jsonl", ".", "is a folder"),
    ],
)
def test_impossible_files_are_one_clear_line(
    run, tickets: Path, monkeypatch, file: str, output: str, message: str
):
    monkeypatch.chdir(tickets.parent)
    before = tickets.read_bytes()
    code, _, err = run("score", file, "--output", output)
    assert code == 1
    assert "error: " in err
    assert message in err
    assert "Traceback" not in err
    assert tickets.read_bytes() == before


def test_wrong_columns_are_one_clear_line(run, tmp_path: Path):
    write_rows(tmp_path, ("编号", "内容"), ("a", "停水"))
    code, _, err = run("score", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")
    assert code == 1
    assert "error: " in err
    assert not (tmp_path / "out.jsonl").exists()


def test_taken_port_is_one_clear_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run("serve", "--port", port)
    assert code == 1
    assert f"127.0.0.1:{port}: cannot listen (Address already in use)" in err


def test_way_into_the_sample_queue_is_by_the_configured_database(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: None)
    config = tmp_path / "serve.yaml"
    config.write_text(f"database_url: sqlite:///{tmp_path / 'other.db'}\n", "utf-8")
    monkeypatch.delenv("PAIDAN_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    code, _, err = run("serve", "--sample-queue", "--config", config, "--port", 0)
    assert code == 0, err
    assert "as demo, password " in err
    assert list(tmp_path.rglob("*.db")) == [tmp_path / "other.db"]


def test_unknown_host_is_one_clear_line(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAIDAN_REQUIRE_API_KEY", "false")
    code, _, err = run("serve", "--host", "no.such.host.invalid")
    assert code == 1
    assert "no.such.host.invalid: is no address to listen on" in err


def test_wrong_setting_is_one_clear_line(run):
    code, _, err = run("serve", "--port", 70000)
    assert code == 1
    assert "setting port" in err


def test_version(run):
    assert run("version")[1].strip() == version("paidan")


def test_openapi(run):
    assert json.loads(run("openapi")[1])["openapi"].startswith("3.")


def _part(name: str) -> typer.Typer:
    part = typer.Typer()

    @part.command(name)
    def command() -> None:
        typer.echo(f"this is {name}")

    group = typer.Typer()
    group.command("check")(lambda: typer.echo(f"this is {name}s check"))
    part.add_typer(group, name=f"{name}s")
    return part


class Point:
    def __init__(self, name: str, part: typer.Typer | None) -> None:
        self.name, self._part = name, part

    def load(self) -> typer.Typer:
        if self._part is None:
            raise ModuleNotFoundError("No module named 'torch'")
        return self._part


def test_commands_of_all_packages_stand_side_by_side():
    app = cli._gather([Point("one", _part("one")), Point("two", _part("two"))])
    for args, said in ((["one"], "this is one"), (["twos", "check"], "this is twos check")):
        assert CliRunner().invoke(app, args).output.strip() == said


def test_package_that_cannot_be_loaded_is_named_and_the_rest_works(capsys: pytest.CaptureFixture[str]):
    app = cli._gather([Point("one", _part("one")), Point("training", None), Point("two", _part("two"))])
    assert "commands of training are not available (No module named 'torch')" in capsys.readouterr().err
    assert CliRunner().invoke(app, ["two"]).exit_code == 0


def test_error_of_ours_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    part = _part("other")

    @part.command("fail")
    def fail() -> None:
        raise PaidanError("is wrong", where="here", fix="Mend it.")

    monkeypatch.setattr(cli, "entry_points", lambda group: [Point("x", part)])
    monkeypatch.setattr(sys, "argv", ["paidan", "fail"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: here: is wrong. Mend it.\n"


def test_help_imports_nothing_heavy():
    heavy = "{'torch', 'onnxruntime', 'fastapi', 'numpy'}"
    code = f"import sys, serve.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
