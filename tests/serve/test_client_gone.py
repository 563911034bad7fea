"""A real server, real connections: what a client that hangs up, or a stop, does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from serve.app import create_app

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(scorer, settings) -> AsyncIterator[tuple[uvicorn.Server, int, asyncio.Task]]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings, scorer), log_config=None, access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server, listening.getsockname()[1], task
    finally:
        scorer.gate.set()
        server.should_exit = True
        await task
        listening.close()


class _no_signals:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


async def send_ticket(port: int, name: str, path: str = "/v1/score") -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    ticket = {"ticket_id": name, "text": "停水"}
    body = json.dumps(ticket if path == "/v1/score" else {"tickets": [ticket]}).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    return writer


@pytest.mark.parametrize("path", ["/v1/score", "/v1/score/batch"])
async def test_work_for_a_client_that_hung_up_is_dropped(path: str, scorer, make_settings):
    async with served(scorer, make_settings()) as (_, port, _):
        scorer.gate.clear()
        scorer.entered.clear()
        held = await send_ticket(port, "held")
        await asyncio.to_thread(scorer.entered.wait)
        gone = await send_ticket(port, "gone", path)
        await asyncio.sleep(0.1)
        gone.close()
        await asyncio.sleep(0.1)
        scorer.gate.set()
        async with httpx.AsyncClient() as client:
            body = {"ticket_id": "after", "text": "停电"}
            assert (await client.post(f"http://127.0.0.1:{port}/v1/score", json=body)).status_code == 200
        held.close()
    assert scorer.scored_ids == ["held", "after"]


async def test_stop_answers_what_was_accepted(scorer, make_settings):
    async with served(scorer, make_settings()) as (server, port, task):
        scorer.gate.clear()
        scorer.entered.clear()
        async with httpx.AsyncClient() as client:
            body = {"ticket_id": "a", "text": "停水"}
            asked = asyncio.create_task(client.post(f"http://127.0.0.1:{port}/v1/score", json=body))
            await asyncio.to_thread(scorer.entered.wait)
            server.should_exit = True
            await asyncio.sleep(0.2)
            assert not task.done()
            scorer.gate.set()
            assert (await asked).json()["ticket_id"] == "a"
        await asyncio.wait_for(asyncio.shield(task), 10)
