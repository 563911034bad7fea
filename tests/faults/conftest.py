"""Fault tests: short with every `make test`, full by `make faults`, which writes docs/benchmarks/faults.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from form import FULL
from serving_process import ServerProcess

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks" / "faults.md"
_ROWS = pytest.StashKey[list[dict[str, Any]]]()
_BEGAN = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[_ROWS] = []
    config.stash[_BEGAN] = time.monotonic()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out of the short form what needs atheris, which not every Python has."""
    return True if not FULL and collection_path.name == "test_parsers_coverage.py" else None


@pytest.fixture(scope="session")
def full() -> bool:
    """Tell whether the full form was asked for."""
    return FULL


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """Return `note(what was done, what came of it)`, which adds a line to the report."""

    def add(done: str, outcome: str) -> None:
        pytestconfig.stash.setdefault(_ROWS, []).append({"done": done, "outcome": outcome})

    return add


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Return `serving(**settings)`: a server process, not yet started, that ends with the test."""
    servers: list[ServerProcess] = []

    def make(**options: Any) -> ServerProcess:
        server = ServerProcess(tmp_path, **options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the report after a full run in which all went well."""
    rows = session.config.stash.get(_ROWS, [])
    if not (FULL and rows and exitstatus == 0):
        return
    from training.tables import Column, Provenance, markdown_table, provenance_list

    minutes = (time.monotonic() - session.config.stash[_BEGAN]) / 60
    columns = [Column("done", "What was done"), Column("outcome", "What came of it")]
    REPORT.write_text(
        "# What was done to the endpoint, and what came of it\n\n"
        + provenance_list(Provenance.gather(command="make faults"))
        + f"- Took: {minutes:.0f} minutes, {session.testscollected} tests, none failed\n\n"
        + markdown_table(rows, columns)
        + "\nWritten by `make faults`, which fails and writes nothing if anything below is not so. `make test` runs\n"
        "the same tests with smaller counts. CONTRIBUTING.md says how they work.\n",
        "utf-8",
    )
