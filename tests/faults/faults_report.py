"""The report of the fault tests: a line a test, kept over runs, with the date and commit of each."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from data.whole_file import write_text
from training.tables import Column, Provenance, markdown_table, provenance_list

_COLUMNS = (
    Column("done", "What was done"),
    Column("outcome", "What came of it"),
    Column("date", "Date"),
    Column("commit", "Commit"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test did that passed."""

    done: str
    outcome: str
    date: str
    commit: str

    @classmethod
    def now(cls, done: str, outcome: str) -> Outcome:
        """Return an outcome of today, of the commit that is checked out."""
        found = Provenance.gather(command="make faults")
        return cls(done, outcome, found.date, found.commit)


def write_report(path: Path, passed: Mapping[str, Outcome], failed: Collection[str]) -> None:
    """Put what passed into `path`.json, take what failed out, and write all of it to `path`.md.

    Args:
        path: without an ending.
        passed: by the name of the test.
        failed: names of tests.
    """
    lines_file, page = path.with_suffix(".json"), path.with_suffix(".md")
    lines = json.loads(lines_file.read_text("utf-8")) if lines_file.exists() else {}
    lines |= {test: asdict(outcome) for test, outcome in passed.items()}
    lines = {test: lines[test] for test in sorted(lines) if test not in failed}
    found = Provenance.gather(command="make faults")
    head = provenance_list(Provenance("", found.command, "", {}, "", None, found.machine, found.versions))
    write_text(lines_file, json.dumps(lines, ensure_ascii=False, indent=1) + "\n")
    write_text(
        page,
        "# What was done to the endpoint, and what came of it\n\n"
        f"{head}\n{markdown_table(list(lines.values()), _COLUMNS)}\n"
        "Written by `FAULTS=full pytest tests/faults`, of which `make faults` runs all and `-k` a piece: a line stands here\n"
        "only if its test passed when it was run last, on the date and commit beside it. `make test` runs the same\n"
        "tests with smaller counts. CONTRIBUTING.md says how they work.\n",
    )
