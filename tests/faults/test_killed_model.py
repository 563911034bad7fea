"""kill -9 of a service with a trained model, whose answers take their real time. Of the full form only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kills import kill_in_load, kind_of, make_tables
from serving_process import ServerProcess

TIMES = 5


@pytest.fixture
def artifact() -> Path:
    """Return the artifact that FAULTS_ARTIFACT names."""
    named = os.environ.get("FAULTS_ARTIFACT")
    if named is None:
        pytest.skip("FAULTS_ARTIFACT names no artifact; `make faults` trains one")
    return Path(named)


def test_what_a_trained_model_answered_outlives_kill_9(
    serving: Callable[..., ServerProcess], database_url: str, artifact: Path, note: Callable[[str, str], None]
) -> None:
    make_tables(database_url)
    server = serving(database_url=database_url, artifact=artifact)
    killed = kill_in_load(server, database_url, TIMES)
    note(
        f"kill -9 of the service with a trained model, under 16 callers, {TIMES} times, {kind_of(database_url)}",
        str(killed),
    )
