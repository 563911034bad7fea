"""What a stop does to a process that has tickets: SIGTERM and SIGINT, once and twice."""

from __future__ import annotations

import http.client
import json
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from form import FULL
from serving_process import PATIENCE, ServerProcess, post

SECONDS_A_TICKET = 0.3


@contextmanager
def asked(server: ServerProcess, count: int) -> Iterator[list[socket.socket]]:
    """Send tickets side by side; give the connections once the first is answered: the others wait by then."""
    connections = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(count)]
    for number, connection in enumerate(connections):
        content = json.dumps({"ticket_id": f"s{number}", "text": "自来水停供"}).encode()
        head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
    answered = select.select(connections, [], [], PATIENCE)[0]
    assert len(answered) < count
    yield connections
    for connection in connections:
        connection.close()


def status_of(connection: socket.socket) -> int | None:
    """Return the status of an answer; None if the connection ended without one."""
    answer = http.client.HTTPResponse(connection)
    try:
        answer.begin()
        content = json.loads(answer.read())
    except (ConnectionError, http.client.HTTPException):
        return None
    assert answer.status != 200 or content["stored"] is True
    return answer.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_what_was_accepted_and_takes_in_nothing_more(
    serving: Callable[..., ServerProcess],
    tmp_path: Path,
    number: signal.Signals,
    note: Callable[[str, str], None],
) -> None:
    server = serving(
        database_url=f"sqlite:///{tmp_path / 'paidan.db'}", STUB_SECONDS=SECONDS_A_TICKET, deadline_seconds=60
    )
    server.start()
    with asked(server, 12) as connections:
        server.signal(number)
        time.sleep(0.3)
        with pytest.raises(OSError):
            post(server.port, "/v1/score", {"ticket_id": "late", "text": "停水"}, timeout=5)
        assert [status_of(connection) for connection in connections] == [200] * 12
    server.wait()
    note(
        f"{number.name} with tickets waiting", "all answered and stored; nothing more taken in; then it ended"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT] if FULL else [signal.SIGTERM])
def test_an_impatient_second_stop_ends_it_soon_and_hangs_nobody(
    serving: Callable[..., ServerProcess],
    tmp_path: Path,
    number: signal.Signals,
    note: Callable[[str, str], None],
) -> None:
    server = serving(
        database_url=f"sqlite:///{tmp_path / 'paidan.db'}",
        STUB_SECONDS=SECONDS_A_TICKET,
        drain_seconds=5,
        deadline_seconds=60,
    )
    server.start()
    with asked(server, 40) as connections:
        server.signal(number)
        time.sleep(0.3)
        began = time.monotonic()
        server.signal(number)
        server.wait(30)
        took = time.monotonic() - began
        assert {status_of(connection) for connection in connections} <= {200, 503, None}
    note(
        f"{number.name} twice with 40 tickets waiting",
        f"ended {took:.1f} s after the second; every caller heard of it",
    )
