from __future__ import annotations

import httpx
import pytest
import structlog

pytestmark = pytest.mark.anyio

TICKET = {
    "ticket_id": "id-canary",
    "text": "东湖区停水 canary 13900000000",
    "title": "canary",
    "address": "canary",
}


async def test_request_id_of_the_caller_is_kept(client: httpx.AsyncClient):
    response = await client.get("/healthz", headers={"x-request-id": "hotline-0001"})
    assert response.headers["x-request-id"] == "hotline-0001"


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "with space 1", "a\tb\tc\td\te"])
async def test_other_request_ids_are_replaced(client: httpx.AsyncClient, offered: str):
    response = await client.get("/healthz", headers={"x-request-id": offered})
    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/static/page.js"])
async def test_security_headers_are_on_everything(client: httpx.AsyncClient, path: str):
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_answers_are_not_cached(client: httpx.AsyncClient):
    assert (await client.post("/v1/score", json=TICKET)).headers["cache-control"] == "no-store"


async def test_log_line_says_what_happened_and_nothing_of_the_ticket(client: httpx.AsyncClient):
    with structlog.testing.capture_logs() as lines:
        response = await client.post("/v1/score?canary=1", json=TICKET)
    assert [line["event"] for line in lines] == ["request"]
    assert lines[0]["route"] == "/v1/score"
    assert lines[0]["status"] == 200
    assert lines[0]["request_id"] == response.headers["x-request-id"]
    assert "canary" not in str(lines)


async def test_unknown_addresses_are_not_logged(client: httpx.AsyncClient):
    with structlog.testing.capture_logs() as lines:
        await client.get("/canary")
    assert lines[0]["route"] == "unmatched"
    assert "canary" not in str(lines)


async def test_failure_is_logged_with_its_place_and_without_its_message(client: httpx.AsyncClient):
    with structlog.testing.capture_logs() as lines:
        await client.post("/v1/score", json=TICKET | {"text": "poison canary"})
    failed = next(line for line in lines if line["event"] == "batch_failed")
    assert failed["error"] == "builtins.RuntimeError"
    assert any("score" in frame for frame in failed["frames"])
    assert "canary" not in str(lines)


async def test_failed_batch_names_the_requests_in_it(client: httpx.AsyncClient):
    with structlog.testing.capture_logs() as lines:
        response = await client.post("/v1/score", json=TICKET | {"text": "poison"})
    failed = next(line for line in lines if line["event"] == "batch_failed")
    assert failed["requests"] == [response.headers["x-request-id"]]


async def test_failed_rules_name_the_request(connect, scorer_with_fallback):
    scorer_with_fallback.fallback = lambda ticket: 1 / 0
    async with connect(scorer_with_fallback, deadline_seconds=0.05) as client:
        scorer_with_fallback.gate.clear()
        with structlog.testing.capture_logs() as lines:
            response = await client.post("/v1/score", json=TICKET)
        scorer_with_fallback.gate.set()
    failed = next(line for line in lines if line["event"] == "fallback_failed")
    assert failed["request_id"] == response.headers["x-request-id"]


async def test_problem_is_named_in_the_line_of_its_request(client: httpx.AsyncClient):
    with structlog.testing.capture_logs() as lines:
        await client.post("/v1/score", json={})
        await client.post("/v1/score", json=TICKET)
    assert [line.get("problem") for line in lines] == ["invalid-request", None]
