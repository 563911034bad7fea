"""Benchmark reports: one table as Markdown and JSON, under a header that says where the figures come from."""

from __future__ import annotations

import json
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from data.errors import PaidanError
from data.whole_file import write_text
from model.artifact import file_sha256
from model.machine import machine

Value = str | int | float | None
Row = Mapping[str, Value]

_PACKAGES = ("paidan", "torch", "transformers", "onnxruntime", "scikit-learn", "numpy")
_ABSENT = "–"
_ROOT = Path(__file__).resolve().parent.parent


class ReportError(PaidanError):
    """A report cannot be written as asked."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report: the key of the rows' values, the heading, and how a number is written.

    `format` is a format specification, such as ".1%" or "d".
    """

    key: str
    heading: str
    format: str = ""

    def text(self, value: Value) -> str:
        """Write one cell; what is missing or not a number becomes a dash."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return _ABSENT
        return (value if isinstance(value, str) else format(value, self.format)).replace("|", "\\|")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where figures come from, so that someone else can get them again.

    `commit` ends in `-dirty` when files differ from it. `data` is the sha256 of each file read, by its
    name without the folder. `machine` and `versions` describe what it ran on.
    """

    date: str
    command: str
    commit: str
    data: Mapping[str, str]
    split: str
    seed: int | None
    machine: str
    versions: Mapping[str, str]

    @classmethod
    def gather(
        cls, *, command: str, data: Sequence[Path] = (), split: str = "", seed: int | None = None
    ) -> Provenance:
        """Look at the clock, the commit, the files and the machine as they are now.

        `command` is what a reader types to get the figures: name files as `tickets.csv`, not by your folders.
        """
        return cls(
            date=datetime.now(UTC).date().isoformat(),
            command=command,
            commit=commit(_ROOT),
            data={path.name: file_sha256(path) for path in data},
            split=split,
            seed=seed,
            machine=machine(),
            versions={"python": platform.python_version()} | _versions(),
        )


def commit(folder: Path) -> str:
    """Return the commit checked out in a folder, with `-dirty` if files differ; `unknown` without git."""
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if changed else head


def markdown_table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return the rows as a Markdown table; text to the left, numbers to the right."""
    lines = [_line(column.heading for column in columns)]
    lines.append(_line("---:" if _is_number_column(rows, column) else "---" for column in columns))
    lines += [_line(column.text(row.get(column.key)) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def provenance_list(provenance: Provenance) -> str:
    """Return the header of a report as a Markdown list."""
    items = {
        "Date": provenance.date,
        "Command": f"`{provenance.command}`",
        "Commit": provenance.commit,
        "Data": ", ".join(f"{name} (sha256 {digest[:12]}…)" for name, digest in provenance.data.items()),
        "Split": provenance.split,
        "Seed": "" if provenance.seed is None else str(provenance.seed),
        "Machine": provenance.machine,
        "Versions": ", ".join(f"{name} {number}" for name, number in provenance.versions.items()),
    }
    return "".join(f"- {name}: {text}\n" for name, text in items.items() if text)


def write_report(
    path: Path,
    title: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    provenance: Provenance,
    *,
    notes: str = "",
) -> None:
    """Write `path`.md for people and `path`.json for programs; both replace what was there.

    Args:
        path: without an ending.
        title: the heading.
        rows: one result each; values without a column are in the JSON file only.
        columns: what the table shows, in order.
        provenance: where the figures come from.
        notes: Markdown below the table.

    Raises:
        ReportError: no rows, or a column that no row has.
    """
    if not rows:
        raise ReportError("no results to report", where=str(path))
    for column in columns:
        if not any(column.key in row for row in rows):
            raise ReportError(f"no result has a value {column.key!r}", where=str(path))
    parts = [f"# {title}\n", provenance_list(provenance), markdown_table(rows, columns), notes.strip()]
    content = {"title": title, "provenance": asdict(provenance), "rows": [_finite(row) for row in rows]}
    # Not with_suffix: it would cut at a dot in the name.
    write_text(path.parent / f"{path.name}.md", "\n".join(part for part in parts if part).rstrip() + "\n")
    write_text(path.parent / f"{path.name}.json", json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _is_number_column(rows: Sequence[Row], column: Column) -> bool:
    return not any(isinstance(row.get(column.key), str) for row in rows)


def _finite(row: Row) -> dict[str, Value]:
    """JSON knows no NaN."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
