"""A served Paidan in a process of its own, to be killed, and callers that remember what they were told."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 180.0
"""Seconds that a start or a stop may take on a busy machine."""

_ADDRESS = re.compile(r"on http://127\.0\.0\.1:(\d+) ")


class ServerProcess:
    """`paidan serve` on a free port; with an `artifact` the real model, else the stub."""

    def __init__(self, folder: Path, *, artifact: Path | None = None, **options: object) -> None:
        self._folder = folder
        self._artifact = artifact
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.options: dict[str, object] = {
            "write_ahead_file": folder / "waiting.log",
            "log_level": "info",
            "artifact_check_seconds": "null",
            **options,
        }

    def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it says that it is ready."""
        self._starts += 1
        command = [sys.executable, str(HERE / "stub_server.py")]
        if self._artifact is not None:
            command = [
                str(Path(sys.executable).with_name("paidan")),
                "serve",
                "--artifact",
                str(self._artifact),
            ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PAIDAN_")}
        for name, value in self.options.items():
            environment[name if name.startswith("STUB_") else f"PAIDAN_{name.upper()}"] = str(value)
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--port", "0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        try:
            self.port = int(self._wait_for(_ADDRESS)[1])
            if ready:
                self.wait_until_ready()
        except BaseException:
            self.close()
            raise

    def wait_until_ready(self) -> None:
        """Wait until /readyz says yes."""
        until = time.monotonic() + PATIENCE
        while self.get("/readyz") != 200:
            assert time.monotonic() < until, f"not ready:\n{self.log}"
            self._assert_alive()
            time.sleep(0.02)

    def _wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        until = time.monotonic() + PATIENCE
        while (found := pattern.search(self._log_file.read_text("utf-8"))) is None:
            assert time.monotonic() < until, f"does not listen:\n{self.log}"
            self._assert_alive()
            time.sleep(0.02)
        return found

    def _assert_alive(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, f"ended by itself:\n{self.log}"

    @property
    def pid(self) -> int:
        """Return its process number."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def _log_file(self) -> Path:
        return self._folder / f"server-{self._starts}.log"

    @property
    def log(self) -> str:
        """Return what it wrote since it was started last."""
        return self._log_file.read_text("utf-8", "replace")

    @property
    def all_logs(self) -> str:
        """Return what it wrote since the first start."""
        return "".join(
            path.read_text("utf-8", "replace") for path in sorted(self._folder.glob("server-*.log"))
        )

    @property
    def resident_bytes(self) -> int:
        """Return how much memory it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    @property
    def open_files(self) -> int:
        """Return how many files and connections it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def get(self, path: str) -> int | None:
        """Return the status of a GET; None if nobody answers."""
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            finally:
                connection.close()
        return None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Ask it to end, and see that it ends well."""
        self.signal(signal.SIGTERM)
        assert self.wait() in (0, -signal.SIGTERM), (
            self.log
        )  # uvicorn sends itself the signal once it is done
        assert '"stopped"' in self.log

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; return the exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def close(self) -> None:
        """End it if it still runs."""
        if self.running:
            self.kill()


def post(port: int, path: str, content: object, *, timeout: float = 60) -> tuple[int, dict[str, str], Any]:
    """Send JSON on a connection of its own; return status, headers and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(content), {"Content-Type": "application/json"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, json.loads(response.read())
    finally:
        connection.close()


class Callers:
    """Many clients at once; each answer that was received in full is kept, by ticket.

    Most calls bring one new ticket; some send a ticket of another caller at the same time or again, some a
    batch, as hotline systems do. A caller stops when the connection breaks.
    """

    def __init__(self, port: int, name: str, count: int = 16) -> None:
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.statuses: dict[int, int] = {}
        self.sent: dict[str, str] = {}
        self._port = port
        self._name = name
        self._lock = threading.Lock()
        self._number = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(i,)) for i in range(count)]

    def start(self) -> Callers:
        """Begin to call."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Wait until every caller has got its last answer, or none."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a caller hangs"

    def wait_for(self, answers: int) -> None:
        """Wait until so many tickets were answered."""
        until = time.monotonic() + PATIENCE
        while len(self.answers) < answers:
            assert time.monotonic() < until, f"{len(self.answers)} answers, statuses {self.statuses}"
            time.sleep(0.005)

    def _ticket(self, draw: random.Random) -> dict[str, str]:
        with self._lock:
            if self.sent and draw.random() < 0.1:  # a ticket that was sent just now, perhaps not yet answered
                ticket_id = draw.choice(list(self.sent)[-8:])
            else:
                self._number += 1
                ticket_id = f"{self._name}-{self._number}"
                self.sent[ticket_id] = f"人民路{self._number}号自来水停供，请尽快处理。"
            return {"ticket_id": ticket_id, "text": self.sent[ticket_id]}

    def _call(self, seed: int) -> None:
        draw = random.Random(seed)
        while not self._stop.is_set():
            try:
                if draw.random() < 0.05:
                    tickets = [self._ticket(draw) for _ in range(5)]
                    status, _, answer = post(self._port, "/v1/score/batch", {"tickets": tickets})
                    answers = answer.get("decisions", [])
                else:
                    status, _, answer = post(self._port, "/v1/score", self._ticket(draw))
                    answers = [answer]
            except (OSError, http.client.HTTPException, ValueError):
                return  # the server is gone: what was not received in full is no answer
            with self._lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 200:
                    for answer in answers:
                        self.answers.setdefault(answer["ticket_id"], []).append(answer)
