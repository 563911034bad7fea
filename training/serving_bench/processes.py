"""Servers as processes: started, waited for, weighed and stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from training.serving_bench.errors import BenchmarkError, last_words

_LOOK_EVERY = 0.01
_LONGEST_STOP = 30.0
_PROC = Path("/proc")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Server:
    """A server process with its children; `ready_seconds` is the time from its start to its first 200.

    Use as a context manager. What it prints goes to `log`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        ready: str,
        log: Path,
        cwd: Path,
        environment: Mapping[str, str],
        patience: float = 300.0,
    ) -> None:
        self.port = port
        self.ready_seconds = 0.0
        self._command = command
        self._ready = ready
        self._log = log
        self._cwd = cwd
        self._environment = environment
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            BenchmarkError: it ended, or was not ready in time.
        """
        with self._log.open("wb") as log:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its workers can be stopped with it
            )
        try:
            while not self._answers():
                if self._process.poll() is not None:
                    raise self._error(f"ended with code {self._process.returncode} before it was ready")
                if time.perf_counter() - started > self._patience:
                    raise self._error(f"not ready after {self._patience:.0f} s")
                time.sleep(_LOOK_EVERY)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.ready_seconds = time.perf_counter() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; what does not stop by itself is killed, with its children."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LONGEST_STOP)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def memory(self) -> int:
        """Return the bytes that it and its children have resident; pages they share count for each."""
        return sum(_resident(pid) for pid in self.pids())

    def holds_library(self, name: str) -> bool:
        """Tell whether a shared library whose path contains `name` is loaded."""
        for pid in self.pids():
            with suppress(OSError):
                if name in (_PROC / str(pid) / "maps").read_text("utf-8", "replace"):
                    return True
        return False

    def pids(self) -> list[int]:
        """Return the process and its children, the process first."""
        assert self._process is not None
        found = [self._process.pid]
        for pid in found:  # grows while it is walked
            with suppress(OSError):
                for children in (_PROC / str(pid) / "task").glob("*/children"):
                    found += map(int, children.read_text("ascii").split())
        return found

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1.0)
        try:
            connection.request("GET", self._ready)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _error(self, what: str) -> BenchmarkError:
        last = last_words(self._log.read_text("utf-8", "replace").splitlines())
        return BenchmarkError(f"{what}: {last}", where=self._log.stem, fix=f"Look into {self._log}.")


def _resident(pid: int) -> int:
    try:
        status = (_PROC / str(pid) / "status").read_text("ascii", "replace")
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
