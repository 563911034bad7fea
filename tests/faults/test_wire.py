"""Clients that do not speak HTTP as it is meant: real sockets, a real server, and others who must not notice."""

from __future__ import annotations

import errno
import http.client
import json
import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count as counting
from pathlib import Path

import pytest
from parser_targets import CANARY
from serving_process import ServerProcess, post

SECONDS = 3.0
"""The deadline that the server is given, for tickets and for clients."""

HEAD = (
    "POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: hotline-1\r\n"
    "Content-Length: {length}\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("wire")
    served = ServerProcess(folder, database_url=f"sqlite:///{folder / 'paidan.db'}", deadline_seconds=SECONDS)
    served.start()
    yield served
    served.stop()
    assert CANARY[:6] not in served.all_logs
    assert "Traceback" not in served.all_logs


_numbers = counting(1)


def assert_scores(server: ServerProcess, seconds: float = 20) -> None:
    """Have a ticket scored that no store or cache has seen, in so many seconds."""
    number = next(_numbers)
    ticket = {"ticket_id": f"other-{number}", "text": f"人民路{number}号自来水停供"}
    began = time.monotonic()
    status, _, answer = post(server.port, "/v1/score", ticket, timeout=seconds)
    assert (status, answer["ticket_id"]) == (200, ticket["ticket_id"])
    assert time.monotonic() - began < seconds


@contextmanager
def leaves_nothing(server: ServerProcess) -> Iterator[None]:
    """See that a server has no more connections and files open after the block than before it, and answers."""
    assert_scores(server)  # what it opens for good with the first answer is open now
    before = settled(server)
    yield
    assert_scores(server, seconds=SECONDS)
    until = time.monotonic() + SECONDS + 20
    while (left := server.open_files) > before and time.monotonic() < until:
        time.sleep(0.1)
    assert left <= before


def settled(server: ServerProcess) -> int:
    """Return how many files a server has open once the connections of other tests are gone."""
    number, since = server.open_files, time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.05)
        if (found := server.open_files) != number:
            number, since = found, time.monotonic()
    return number


@pytest.fixture(autouse=True)
def _others_do_not_notice(server: ServerProcess) -> Iterator[None]:
    yield
    assert_scores(server)


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def body(**changes: object) -> bytes:
    return json.dumps({"ticket_id": "wire", "text": f"{CANARY}停水"} | changes, ensure_ascii=False).encode()


def request(content: bytes) -> bytes:
    return HEAD.format(length=len(content)).encode() + content


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    received = b""
    while chunk := connection.recv(1 << 16):
        received += chunk
    return received


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def exchange(server: ServerProcess, sent: bytes) -> tuple[int, bytes]:
    """Send bytes on a connection of their own, and read one answer."""
    with closing(connect(server)) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def test_hundreds_of_slow_headers_hold_up_nobody_and_end(server: ServerProcess, full: bool) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(connect(server))) for _ in range(800 if full else 200)]
        began = time.monotonic()
        for connection in slow:
            connection.sendall(b"POST /v1/score HTTP/1.1\r\nHost:")
        status, _, _ = post(server.port, "/v1/score", {"ticket_id": "quick", "text": "停水"}, timeout=20)
        assert status == 200
        waiting = set(slow)
        while waiting and time.monotonic() - began < SECONDS + 20:
            for connection in list(
                waiting
            ):  # a byte now and then keeps a connection alive where nobody counts
                try:
                    connection.sendall(b" ")
                except OSError:
                    waiting.discard(connection)
            time.sleep(0.2)
        assert not waiting, f"{len(waiting)} connections without a request are still open"


def test_connections_that_say_nothing_end(server: ServerProcess) -> None:
    with closing(connect(server)) as silent:
        assert select.select([silent], [], [], SECONDS + 20)[0], "it is still open"
        assert silent.recv(100) == b""


def test_a_second_request_cannot_be_slow_either(server: ServerProcess) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(request(body()))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        connection.sendall(b"POST /v1/sc")
        assert select.select([connection], [], [], SECONDS + 20)[0], "it is still open"


@pytest.mark.parametrize("path", ["/review/items/1/settle", "/login", "/"])
def test_a_slow_body_ends_on_the_pages_too(server: ServerProcess, path: str) -> None:
    head = HEAD.replace("/v1/score", path).format(length=1000)
    with closing(connect(server)) as connection:
        connection.sendall(head.encode() + b"{")
        assert select.select([connection], [], [], SECONDS + 20)[0], "it is still open"
        began = time.monotonic()
        read_all(connection)
        assert time.monotonic() - began < SECONDS + 20


def test_a_slow_body_is_told_so(server: ServerProcess) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(HEAD.format(length=1000).encode() + b'{"ticket_id"')
        received = read_all(connection)
    assert statuses(received) == [408]


def test_a_half_closed_connection_gets_its_answer_or_an_end(server: ServerProcess) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(request(body()))
        connection.shutdown(socket.SHUT_WR)
        assert statuses(read_all(connection)) in ([200], [])


def test_a_body_cut_short_leaves_nothing_behind(server: ServerProcess) -> None:
    with leaves_nothing(server):
        for _ in range(20):
            with closing(connect(server)) as connection:
                connection.sendall(request(body())[:-5])


def test_a_connection_reset_in_the_middle_leaves_nothing_behind(server: ServerProcess) -> None:
    with leaves_nothing(server):
        for length in (10, 100, 400):
            with closing(connect(server)) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(request(body())[:length])


def test_pipelined_requests_are_answered_in_order(server: ServerProcess) -> None:
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    sent = b"".join(request(body(ticket_id=f"p{number}")) for number in range(50))
    with closing(connect(server)) as connection:
        connection.sendall(sent + last)
        received = read_all(connection)
    assert statuses(received) == [200] * 51
    assert re.findall(rb'"ticket_id":"(p\d+)"', received) == [b"p%d" % number for number in range(50)]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(50_000)) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: " + b"\xff\xfe\x80" * 1000 + b"\r\n\r\n",
        b"GET /\xe9\xba\x92\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00%ff%2e%2e/%c0%ae HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/..%2f..%2fapp.py HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?example=%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 10_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x80" * 500,
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\ntext=%ff%00&",
    ],
    ids=lambda head: repr(head[:60]),
)  # fmt: skip
def test_odd_heads_get_an_answer_below_500_or_an_end(server: ServerProcess, head: bytes) -> None:
    with closing(connect(server)) as connection:
        try:
            connection.sendall(head)
            connection.shutdown(socket.SHUT_WR)
            received = read_all(connection)
        except ConnectionError:
            return  # it hung up while more was sent
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            return  # it hung up just after all was sent
    assert all(status < 500 for status in statuses(received)), received[:200]


NUMBERS = [
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "1" * 10_000,
    "0." + "1" * 10_000,
    "1e-999",
    "-0",
    "0x10",
    "1_0",
]


@pytest.mark.parametrize(
    "content",
    [
        *(f'{{"ticket_id":"n","text":"{CANARY}","top_k":{number}}}'.encode() for number in NUMBERS),
        *(
            f'{{"ticket_id":"n","text":"{CANARY}","location":{{"lon":{n},"lat":1}}}}'.encode()
            for n in NUMBERS
        ),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"tickets":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"ticket_id":"n","text":' + b"[" * 1_000_000,
        body() + body(),
        b"\xef\xbb\xbf" + body(),
        body().decode().encode("utf-16"),
        body().decode().encode("gb18030"),
        body()[:30] + b"\xed\xa0\x80" + body()[30:],
        f'{{"ticket_id":"n","text":"\\ud83d{CANARY}"}}'.encode(),
        b'{"ticket_id":"n","text":"' + b"\\u0000" * 100_000 + b'"}',
    ],
    ids=lambda content: repr(content[:50]),
)
def test_odd_bodies_are_refused_and_not_repeated(server: ServerProcess, content: bytes) -> None:
    status, answer = exchange(server, request(content))
    assert status in (200, 400, 413, 422)
    if status != 200:
        assert CANARY[:6] not in answer.decode()
        assert json.loads(answer)["status"] == status


def test_of_a_key_that_comes_twice_the_last_counts(server: ServerProcess) -> None:
    content = '{"ticket_id":"first","text":"停水","ticket_id":"twice"}'.encode()
    status, answer = exchange(server, request(content))
    assert (status, json.loads(answer)["ticket_id"]) == (200, "twice")


def test_ten_thousand_tickets_in_a_call_are_refused_soon(server: ServerProcess) -> None:
    tickets = [{"ticket_id": str(number), "text": f"{CANARY}停水"} for number in range(10_000)]
    began = time.monotonic()
    status, _, answer = post(server.port, "/v1/score/batch", {"tickets": tickets})
    assert status in (413, 422)
    assert CANARY[:6] not in json.dumps(answer, ensure_ascii=False)
    assert time.monotonic() - began < 15


def test_an_endless_body_is_cut_off(server: ServerProcess) -> None:
    head = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with closing(connect(server)) as connection:
        connection.sendall(head)
        sent = 0
        try:
            while sent < 1000:  # 65 MB
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass
        assert sent < 1000 or statuses(connection.recv(1 << 16)) == [413]
    assert server.resident_bytes < 600 * 2**20


def test_many_connections_at_once_are_all_answered(
    server: ServerProcess, full: bool, note: Callable[[str, str], None]
) -> None:
    count = 900 if full else 200
    with ExitStack() as stack:
        open_ones = [stack.enter_context(closing(connect(server))) for _ in range(count)]
        for connection in open_ones:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert all(statuses(read_all(connection)) == [200] for connection in open_ones)
    note(
        "slow and silent clients, half-closed and reset connections, pipelining, odd heads, JSON and encodings",
        f"each answered below 500 or hung up on within {SECONDS:.0f} s of patience; other callers were answered "
        f"after each; nothing of a ticket in an error or the log; {count} connections at once were answered",
    )
