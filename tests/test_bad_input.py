"""What goes wrong at the command line: each fault ends in one clear line, and nothing that was there is lost.

docs/bad-input.md shows what they look like. The API's side is in tests/serve/test_bad_requests.py.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data.samples import BEIJING
from serve import cli

Run = Callable[..., tuple[int, str]]
UNIT = "北京市城市管理委员会"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return a function that runs `paidan ARGS` in an empty folder and gives the exit code and all it said."""
    monkeypatch.chdir(tmp_path)

    def paidan(*args: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["paidan", *map(str, args)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return paidan


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Return a copy of the sample catalog to damage."""
    return Path(shutil.copytree(BEIJING / "catalog", tmp_path / "catalog"))


def _damage(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def _write_rows(path: Path, *rows: tuple[str, str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "department"])
        writer.writerows(rows)


NOISE = b"\xff\x80" * 200


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", b"", "is empty"),
        ("noise.csv", NOISE, "Export it again, as CSV in UTF-8"),
        ("noise.xlsx", NOISE, "is no .xlsx workbook"),
        ("noise.parquet", NOISE, "is no Parquet file"),
        ("broken.jsonl", b'{"text": "a"\n', "expected a line for each ticket"),
        ("columns.csv", b"wrong,names\n1,2\n", "Name the file's own header in the columns file"),
        ("header.csv", b"text,department\n", "no row can be used"),
    ],
)
def test_a_file_without_tickets(
    run: Run, tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, said = run("tickets", "check", name)
    assert code == 1
    assert f"error: {name}: " in said
    assert told in said
    assert "Traceback" not in said


def test_rows_that_cannot_be_used_are_listed_and_the_rest_is_used(run: Run, catalog: Path) -> None:
    _write_rows(
        Path("odd.csv"),
        ("1", "", UNIT),
        ("2", "停" * 50_000, UNIT),
        ("3", "😀😀😀😀😀😀", UNIT),
        ("4", "路灯\0不亮已经三天", UNIT),
        ("5", "垃圾无人清运", "没有的局"),
        ("6", "朝陽區１２３號路燈不亮", UNIT),
    )
    code, _ = run("tickets", "check", "odd.csv", "--catalog", catalog, "--rejects", "rejects.csv")
    assert code == 0
    with Path("rejects.csv").open(encoding="utf-8-sig", newline="") as handle:
        rejected = {row["row"]: row["reason"] for row in csv.DictReader(handle)}
    assert rejected == {"2": "empty_text", "3": "text_too_long", "4": "no_words", "6": "unknown_unit"}


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "issue_categories.yaml",
            "name: 市政公用\n",
            "name: 市政公用\n  parent: '010101'\n",
            "issue_categories.yaml line 5: a cycle: 01 -> 010101 -> 0101 -> 01",
        ),
        (
            "issue_categories.yaml",
            "parent: '01'\n",
            "parent: '99'\n",
            "there is no issue category '99' to be the parent of 0101",
        ),
        (
            "departments.yaml",
            "name: 北京市城市管理综合行政执法局\n",
            f"name: {UNIT}\n",
            f"two units are called {UNIT}",
        ),
    ],
)
def test_a_catalog_that_contradicts_itself(
    run: Run, catalog: Path, file: str, old: str, new: str, told: str
) -> None:
    _damage(catalog / file, old, new)
    code, said = run("catalog", "check", "catalog")
    assert code == 1
    assert told in said


def test_training_refuses_it_too_and_leaves_the_artifact(run: Run, catalog: Path) -> None:
    _damage(catalog / "issue_categories.yaml", "parent: '01'\n", "parent: '99'\n")
    Path("model").mkdir()
    Path("model", "manifest.json").write_text("kept", "utf-8")
    _write_rows(Path("tickets.csv"), ("1", "路灯不亮", UNIT))
    code, said = run("train", "--tickets", "tickets.csv", "--catalog", "catalog", "--output", "model")
    assert code == 1
    assert "there is no issue category '99'" in said
    assert Path("model", "manifest.json").read_text("utf-8") == "kept"


def test_a_folder_that_is_no_artifact(run: Run) -> None:
    Path("model").mkdir()
    _write_rows(Path("tickets.csv"), ("1", "路灯不亮", UNIT))
    Path("scored.jsonl").write_text("kept", "utf-8")
    code, said = run("score", "tickets.csv", "--artifact", "model", "--output", "scored.jsonl")
    assert code == 1
    assert "model: not an artifact" in said
    assert Path("scored.jsonl").read_text("utf-8") == "kept"
