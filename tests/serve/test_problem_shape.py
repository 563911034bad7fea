from __future__ import annotations

import asyncio

import httpx
import pytest

from serve.app import create_app

pytestmark = pytest.mark.anyio

TICKET = {"ticket_id": "a", "text": "停水"}


def check(response: httpx.Response, status: int) -> dict[str, object]:
    """Pin the shape of every error: RFC 9457, and `errors`."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() == {"type", "title", "status", "detail", "instance", "errors"}
    assert problem["status"] == status
    assert problem["instance"] == f"/requests/{response.headers['x-request-id']}"
    assert all(problem[key] and isinstance(problem[key], str) for key in ("type", "title", "detail"))
    assert all(error.keys() == {"pointer", "detail"} for error in problem["errors"])
    return problem


async def test_404(client: httpx.AsyncClient):
    assert check(await client.get("/v1/nothing"), 404)["type"] == "about:blank"


async def test_404_of_a_static_file(client: httpx.AsyncClient):
    check(await client.get("/static/../settings.py"), 404)


async def test_405(client: httpx.AsyncClient):
    response = await client.get("/v1/score")
    check(response, 405)
    assert response.headers["allow"] == "POST"


async def test_400(client: httpx.AsyncClient):
    response = await client.post("/v1/score", content=b"{", headers={"content-type": "application/json"})
    assert check(response, 400)["type"] == "urn:problem-type:paidan:malformed-body"


async def test_422(client: httpx.AsyncClient):
    problem = check(await client.post("/v1/score", json={}), 422)
    assert problem["type"] == "urn:problem-type:paidan:invalid-request"
    assert problem["errors"] == [
        {"pointer": "/ticket_id", "detail": "required"},
        {"pointer": "/text", "detail": "required"},
    ]


async def test_413_by_declared_length(connect, scorer):
    async with connect(scorer, max_body_bytes=1024) as client:
        response = await client.post("/v1/score", json=TICKET | {"title": "x" * 2000})
        check(response, 413)
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_413_without_declared_length(connect, scorer):
    async def chunks():
        for _ in range(100):
            yield b" " * 100

    async with connect(scorer, max_body_bytes=1024) as client:
        headers = {"content-type": "application/json"}
        check(await client.post("/v1/score", content=chunks(), headers=headers), 413)


async def test_408(connect, scorer):
    async def slow():
        yield b"{"
        await asyncio.sleep(5)

    async with connect(scorer, deadline_seconds=0.05) as client:
        headers = {"content-type": "application/json"}
        check(await client.post("/v1/score", content=slow(), headers=headers), 408)


async def test_500_of_a_failed_batch_names_the_request_and_nothing_else(client: httpx.AsyncClient):
    response = await client.post("/v1/score", json=TICKET | {"text": "poison 市民"})
    problem = check(response, 500)
    assert problem["type"] == "urn:problem-type:paidan:scoring-failed"
    assert problem["instance"] == f"/requests/{response.headers['x-request-id']}"
    assert "canary" not in response.text
    assert "市民" not in response.text


async def test_500_of_a_bug_in_the_service(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    def broken(_: object) -> bytes:
        raise ValueError("canary")

    monkeypatch.setattr("serve.api.routes.decision_bytes", broken)
    response = await client.post("/v1/score", json=TICKET)
    problem = check(response, 500)
    assert problem["type"] == "urn:problem-type:paidan:internal-error"
    assert response.headers["x-request-id"] in str(problem["instance"])
    assert "canary" not in response.text


async def test_503(make_settings, scorer):
    app = create_app(make_settings(), scorer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        check(await client.get("/readyz"), 503)


async def test_504(connect, scorer):
    async with connect(scorer, deadline_seconds=0.05) as client:
        scorer.gate.clear()
        check(await client.post("/v1/score", json=TICKET), 504)
        scorer.gate.set()
