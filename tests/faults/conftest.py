"""Fault tests: short with every `make test`, full by `make faults`, which writes docs/benchmarks/faults.md.

A full run takes hours on a busy machine, so it may be done in pieces: what passed is kept beside the report with its date
and commit, what fails is taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_report import Outcome, write_report
from form import FULL
from serving_process import ServerProcess

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks" / "faults"
_FULL_ONLY = {"test_parsers_coverage.py", "test_killed_model.py"}
_DONE = pytest.StashKey[dict[str, Outcome]]()
_FAILED = pytest.StashKey[set[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[_DONE] = {}
    config.stash[_FAILED] = set()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out of the short form what needs atheris, which not every Python has, and a trained model."""
    return True if not FULL and collection_path.name in _FULL_ONLY else None


@pytest.fixture(scope="session")
def full() -> bool:
    """Tell whether the full form was asked for."""
    return FULL


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return `note(what was done, what came of it)`, which gives a test its line in the report."""

    def add(done: str, outcome: str) -> None:
        done_so_far = request.config.stash[_DONE]
        done_so_far[request.node.nodeid] = Outcome.now(done, outcome)

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Bring the report up to date after each test of the full form: a run that is cut short keeps what it has."""
    report = yield
    test, failed = item.nodeid, item.config.stash[_FAILED]
    if report.failed:
        failed.add(test)
    if FULL and report.when == "teardown":
        done = item.config.stash[_DONE].get(test)
        if test in failed:
            write_report(REPORT, {}, {test})
        elif done is not None:
            write_report(REPORT, {test: done}, ())
    return report
