"""Starts the generator and shows how far it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from training.serving_bench.errors import BenchmarkError
from training.serving_bench.generator import Job, Result

_MODULE = "training.serving_bench.generator"
_ROOT = Path(__file__).resolve().parents[2]


class Running:
    """A generator at work; `stop` ends one that has no end of its own."""

    def __init__(self, process: subprocess.Popen[str], result: Path) -> None:
        self._process = process
        self._result = result

    def counts(self) -> Iterator[int]:
        """Give the number of requests answered so far, twice a second, until it is done."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield int(line)

    def stop(self) -> None:
        """Let it finish what it has sent, and send nothing more."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def result(self) -> Result:
        """Wait for the end.

        Raises:
            BenchmarkError: the generator failed.
        """
        for _ in self.counts():
            pass
        if self._process.wait():
            raise BenchmarkError(
                f"ended with code {self._process.returncode}",
                where="load generator",
                fix="Its error is printed above.",
            )
        return Result(**json.loads(self._result.read_text("utf-8")))


@contextmanager
def generating(job: Job) -> Iterator[Running]:
    """Start a generator; it is ended with the block."""
    with tempfile.TemporaryDirectory(prefix="paidan-load-") as folder:
        order, result = Path(folder) / "job.json", Path(folder) / "result.json"
        order.write_text(json.dumps(asdict(job)), "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(order), str(result)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Running(process, result)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def generate(title: str, job: Job) -> Result:
    """Do a job under a progress bar."""
    total = len(job.arrivals) if job.arrivals is not None else job.count
    with progress() as bar, generating(job) as running:
        task = bar.add_task(title, total=total)
        for count in running.counts():
            bar.update(task, completed=count)
        return running.result()


def progress() -> Progress:
    """Return a progress bar on standard error, gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
