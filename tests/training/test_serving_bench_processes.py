import os
import sys
import time
from pathlib import Path

import pytest

from training.serving_bench.errors import BenchmarkError
from training.serving_bench.processes import Server, free_port

SERVE = "import sys, http.server as h; h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"


def server(tmp_path, code, **options):
    port = free_port()
    return Server(
        [sys.executable, "-c", code, str(port)],
        port=port,
        ready="/",
        log=tmp_path / "log.txt",
        cwd=tmp_path,
        environment=os.environ,
        **options,
    )


def is_alive(pid):
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_server_is_waited_for_weighed_and_stopped(tmp_path):
    with server(tmp_path, SERVE) as running:
        assert 0 < running.ready_seconds < 60
        assert running.memory() > 1_000_000
        assert running.holds_library("libc")
        assert not running.holds_library("libtorch")
        pid = running.pids()[0]
    assert not is_alive(pid)


def test_children_are_counted_and_stopped_with_their_server(tmp_path):
    code = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        + SERVE
    )
    with server(tmp_path, code) as running:
        until = time.monotonic() + 30
        while len(running.pids()) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        _, child = running.pids()
    until = time.monotonic() + 30
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(child)


def test_a_server_that_ends_says_its_last_words(tmp_path):
    with pytest.raises(BenchmarkError, match="ended with code 1 before it was ready: .*no such model"):
        server(tmp_path, "raise SystemExit('no such model')").__enter__()


def test_a_server_that_is_never_ready_is_given_up(tmp_path):
    started = server(tmp_path, "import time; print('loading', flush=True); time.sleep(600)", patience=0.5)
    with pytest.raises(BenchmarkError, match="not ready after"):
        started.__enter__()
