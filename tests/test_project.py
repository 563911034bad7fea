"""What holds for the project as a whole: imports, documentation, configuration."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
import typer.main
import yaml

from serve.cli import _gather

ROOT = Path(__file__).parents[1]
PACKAGES = ("data", "model", "training", "serve")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
LARGEST = 12 * 1024
SERVING = ("serve.app", "serve.cli", "model.dispatcher")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def every_command() -> dict[str, click.Command]:
    def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        subcommands = getattr(command, "commands", None)
        if not subcommands:
            yield path, command
            return
        for name, subcommand in subcommands.items():
            yield from walk(subcommand, f"{path} {name}")

    app = _gather(list(entry_points(group="paidan.commands")))
    return dict(walk(typer.main.get_command(app), "paidan"))


def documented_commands() -> dict[str, str]:
    """Return the section of each command of docs/cli.md by the command."""
    parts = re.split(r"^### `(paidan [^`]+)`\n", (ROOT / "docs" / "cli.md").read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


COMMANDS = every_command()
SECTIONS = documented_commands()


# --- imports ------------------------------------------------------------------


def test_imports_run_one_way():
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], check=False, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("module", SERVING)
def test_a_serving_process_loads_neither_torch_nor_training(module):
    code = (
        f"import sys, {module}\n"
        "print([name for name in ('torch', 'transformers', 'datasets', 'training') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_nothing_unpickles():
    unsafe = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    assert [relative(path) for path in SOURCES if unsafe & set(imported(path))] == []


def test_modules_are_small():
    """Over 12 kB, ask what wants to move out."""
    written = (path for path in SOURCES if "migrations" not in path.parts)  # those are generated
    assert [relative(path) for path in written if path.stat().st_size > LARGEST] == []


# --- documentation ------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command):
    assert command in SECTIONS


@pytest.mark.parametrize("command", SECTIONS)
def test_every_documented_command_exists(command):
    assert command in COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command):
    options = {option for p in COMMANDS[command].params for option in p.opts if option.startswith("--")}
    documented = set(re.findall(r"--[a-z-]+", SECTIONS.get(command, "")))
    assert options - {"--help"} <= documented


@pytest.mark.parametrize("command", SECTIONS)
def test_every_documented_option_exists(command):
    options = {option for p in COMMANDS[command].params for option in p.opts}
    lines = re.findall(r"^- (`--[^:]*):", SECTIONS[command], flags=re.M)
    assert set(re.findall(r"--[a-z-]+", " ".join(lines))) <= options


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command):
    assert COMMANDS[command].help
    assert all(getattr(p, "help", None) for p in COMMANDS[command].params if p.opts != ["--help"])


def markdown_files() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", markdown_files(), ids=relative)
def test_links_between_pages_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not missing


def test_every_make_target_the_pages_name_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))
    pages = "\n".join(path.read_text("utf-8") for path in markdown_files())
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", pages, flags=re.M))
    assert named
    assert named <= targets


def test_decision_records_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_licence_is_complete():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.count("\n") > 190
    for piece in (
        "Apache License",
        "9. Accepting Warranty or Additional Liability",
        "limitations under the License.",
    ):
        assert piece in text


# --- configuration ------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIGS, ids=relative)
def test_every_setting_has_a_comment(path):
    """A comment stands above each top-level key, or above a run of keys that belong together."""
    text = path.read_text("utf-8")
    if not isinstance(yaml.safe_load(text), dict):
        assert text.startswith("#")
        return
    commented = False
    for line in text.splitlines():
        if not line.strip():
            commented = False
        elif line.startswith("#"):
            commented = True
        elif re.match(r"[a-z_]+:", line):
            assert commented, f"{line.partition(':')[0]} has no comment"
