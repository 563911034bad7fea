"""Parsers under coverage-guided inputs (atheris). Of the full form only: there is no atheris for every Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from parser_targets import SLOWEST, targets

INPUTS = 20_000
HERE = Path(__file__).parent


@pytest.mark.parametrize("number", range(len(targets())), ids=[target.name for target in targets()])
def test_no_input_gets_through(number: int, tmp_path: Path, note: Callable[[str, str], None]) -> None:
    target = targets()[number]
    for index, seed in enumerate(target.seeds):
        (tmp_path / f"seed-{index}").write_bytes(seed)
    result = subprocess.run(
        [sys.executable, str(HERE / "atheris_run.py"), str(number), str(INPUTS), str(tmp_path)],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        env=os.environ,
        timeout=7000,
    )
    assert result.returncode == 0, result.stderr.decode("utf-8", "replace")[-4000:]
    note(
        f"atheris: {target.name}",
        f"{INPUTS:,} coverage-guided inputs, each taken or refused on purpose within {SLOWEST:.0f} s of a core",
    )
