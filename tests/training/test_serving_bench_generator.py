"""The load generator against a small HTTP server in the same event loop."""

import asyncio
import json
from collections.abc import Callable

import pytest

from training.serving_bench.generator import FAILED, NUMBER, Job, run
from training.serving_bench.load import generating
from training.serving_bench.wire import Connection, Pool, request_bytes

BODY = json.dumps({"ticket_id": f"t-{NUMBER}", "text": "路灯不亮"}, ensure_ascii=False)
Respond = Callable[[int, bytes], tuple[int, bytes]]


class Web:
    """Answers by a function of the number of the request and its body; status 0 hangs up instead."""

    def __init__(self, respond: Respond, *, chunked: bool = False, one_a_connection: bool = False) -> None:
        self._respond = respond
        self._chunked = chunked
        self._one = one_a_connection
        self.bodies: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(size)
                self.bodies.append(body)
                status, answer = self._respond(len(self.bodies) - 1, body)
                if not status:
                    break
                length = (
                    b"transfer-encoding: chunked" if self._chunked else b"content-length: %d" % len(answer)
                )
                writer.write(b"HTTP/1.1 %d Some\r\n%s\r\n\r\n" % (status, length))
                await writer.drain()
                writer.write(answer)
                if self._one:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def done(respond, *, server=None, **job):
    async def both():
        async with Web(respond, **(server or {})) as web:
            return await run(Job(port=web.port, path="/score", bodies=[BODY], **job)), web

    return asyncio.run(both())


def fine(_number, _body):
    return 200, b'{"degraded":false}'


def test_so_many_requests_are_sent_and_answered():
    result, web = done(fine, callers=3, count=10)
    assert result.statuses == [200] * 10
    assert len(web.bodies) == len(result.answered) == 10
    assert web.connections == 3


def test_no_two_requests_have_the_same_id():
    _, web = done(fine, callers=2, count=5, warm_up=[BODY] * 3)
    ids = [json.loads(body)["ticket_id"] for body in web.bodies]
    assert sorted(ids) == [f"t-{number:09d}" for number in range(8)]


def test_the_warm_up_is_not_measured():
    result, web = done(fine, callers=2, count=5, warm_up=[BODY] * 3)
    assert (len(result.statuses), len(web.bodies)) == (5, 8)


def test_requests_go_out_when_they_are_due():
    result, web = done(fine, arrivals=[0.0, 0.05, 0.1])
    assert result.statuses == [200] * 3
    assert result.seconds >= 0.1
    assert len(web.bodies) == 3


def test_patient_callers_ask_again_what_is_refused():
    result, web = done(lambda number, _: (429, b"{}") if number == 0 else (200, b"{}"), callers=1, count=2)
    assert (result.statuses, result.again, len(web.bodies)) == ([200, 200], 1, 3)
    assert result.latencies[0] >= 0.1


def test_arrivals_that_are_refused_are_not_sent_again():
    result, _ = done(lambda *_: (429, b"{}"), arrivals=[0.0, 0.01])
    assert (result.statuses, result.again) == ([429, 429], 0)
    assert len(result.of_status(429)) == 2


def test_a_piece_of_each_answer_is_kept():
    result, _ = done(fine, callers=1, count=2, pick='"degraded":(?:true|false)')
    assert result.picked == ['"degraded":false'] * 2


def test_a_server_that_hangs_up_makes_a_failed_request():
    result, _ = done(lambda *_: (0, b""), callers=1, count=2)
    assert result.statuses == [FAILED, FAILED]


def test_an_answer_without_a_length_makes_a_failed_request():
    result, _ = done(fine, server={"chunked": True}, callers=1, count=1)
    assert result.statuses == [FAILED]


def test_a_connection_that_the_server_closed_is_replaced():
    result, web = done(fine, server={"one_a_connection": True}, callers=1, count=4)
    assert result.statuses == [200] * 4
    assert web.connections == 4


def test_nobody_listening_makes_failed_requests():
    async def alone():
        async with Web(fine) as web:
            port = web.port
        return await run(Job(port=port, path="/score", bodies=[BODY], callers=1, count=2))

    assert asyncio.run(alone()).statuses == [FAILED, FAILED]


def test_an_answer_in_pieces_is_put_together():
    async def ask():
        async with Web(lambda *_: (200, b"x" * 300_000)) as web:
            pool = Pool(web.port)
            answer = await pool.send(request_bytes("/", b"{}"))
            pool.close()
            return answer

    assert len(asyncio.run(ask()).body) == 300_000


def test_a_closed_connection_takes_no_request():
    async def ask():
        async with Web(fine) as web:
            connection = await Connection.open(web.port)
            connection.close()
            with pytest.raises(ConnectionError):
                await connection.send(request_bytes("/", b"{}"))

    asyncio.run(ask())


def test_a_generator_without_an_end_goes_on_until_it_is_stopped():
    async def both():
        async with Web(fine) as web:
            job = Job(port=web.port, path="/score", bodies=[BODY], callers=2)
            return await asyncio.to_thread(_stopped, job), web

    def _stopped(job):
        with generating(job) as running:
            next(running.counts())
            running.stop()
            return running.result()

    result, web = asyncio.run(both())
    assert set(result.statuses) == {200}
    assert len(result.statuses) == len(web.bodies)
    assert 0 < result.cpu < result.seconds + 1
