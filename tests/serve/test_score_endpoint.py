from __future__ import annotations

import httpx
import pytest

from data.tickets.ticket import Location, Ticket
from serve.api.answers import decision_bytes
from serve.api.examples import TICKET_REQUESTS
from serve.app import create_app

pytestmark = pytest.mark.anyio


async def test_body_is_the_json_of_the_decision(client: httpx.AsyncClient, decision_on):
    response = await client.post("/v1/score", json={"ticket_id": "a", "text": "东湖区停水"})
    assert response.status_code == 200
    assert response.content == decision_bytes(decision_on(Ticket("a", "东湖区停水")))
    assert response.headers["content-type"] == "application/json"


async def test_every_field_reaches_the_model(connect, scorer):
    seen: list[Ticket] = []
    scorer_score = scorer.score
    scorer.score = lambda tickets, top_k=3: [seen.extend(tickets), scorer_score(tickets, top_k=top_k)][1]
    async with connect(scorer) as client:
        await client.post("/v1/score", json=TICKET_REQUESTS[1])
    ticket = seen[-1]
    assert ticket.location == Location(116.35, 39.98)
    assert (ticket.title, ticket.channel, ticket.district) == ("小区停水", "电话", "海淀区")
    assert ticket.created_at.isoformat() == "2026-05-01T08:30:00+08:00"
    assert ticket.address == "海淀区学院路某小区"


async def test_top_k_of_the_request_is_used(client: httpx.AsyncClient):
    response = await client.post("/v1/score", json={"ticket_id": "a", "text": "停水", "top_k": 1})
    assert [c["role"] for c in response.json()["candidates"]] == ["lead", "assisting"]


async def test_top_k_defaults_to_the_setting(connect, scorer):
    async with connect(scorer, top_k=2) as client:
        response = await client.post("/v1/score", json={"ticket_id": "a", "text": "停水", "top_k": None})
    assert [c["role"] for c in response.json()["candidates"]] == ["lead", "lead", "assisting"]


async def test_nul_bytes_in_a_text_are_tolerated(client: httpx.AsyncClient):
    response = await client.post("/v1/score", json={"ticket_id": "a", "text": "停\u0000水"})
    assert response.status_code == 200


async def test_batch_answers_in_the_order_of_its_tickets(client: httpx.AsyncClient):
    tickets = [
        {"ticket_id": f"t{i}", "text": "停水" * (1 + i * 7 % 5), "top_k": 1 + i % 2} for i in range(100)
    ]
    response = await client.post("/v1/score/batch", json={"tickets": tickets})
    decisions = response.json()["decisions"]
    assert [d["ticket_id"] for d in decisions] == [t["ticket_id"] for t in tickets]
    assert [len(d["candidates"]) for d in decisions] == [t["top_k"] + 1 for t in tickets]


async def test_batch_and_single_give_the_same_bytes(client: httpx.AsyncClient):
    ticket = {"ticket_id": "a", "text": "东湖区停水"}
    single = await client.post("/v1/score", json=ticket)
    batch = await client.post("/v1/score/batch", json={"tickets": [ticket]})
    assert batch.content == b'{"decisions":[' + single.content + b"]}"


async def test_healthz(client: httpx.AsyncClient):
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_readyz(client: httpx.AsyncClient):
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_version_names_what_is_served(client: httpx.AsyncClient):
    version = (await client.get("/version")).json()
    assert version.keys() == {"service", "model", "catalog", "policy"}
    assert version["model"] == "model-1"


async def test_before_start_up_only_healthz_answers(make_settings, scorer):
    app = create_app(make_settings(), scorer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        refused = await client.post("/v1/score", json={"ticket_id": "a", "text": "停水"})
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"


async def test_model_is_warm_before_the_service_is_ready(connect, make_settings, scorer):
    full = make_settings().max_batch_size
    async with connect(scorer):
        # A ticket alone, and full batches side by side.
        assert [len(ids) for ids, _ in scorer.batches] == [1, full, full]
