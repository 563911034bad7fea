from __future__ import annotations

import asyncio

import pytest

pytestmark = pytest.mark.anyio

TICKET = {"ticket_id": "a", "text": "东湖区路灯不亮"}


async def post(client, path: str, body: object, seconds: str):
    return await client.post(path, json=body, headers={"X-Deadline-Seconds": seconds})


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/score", TICKET), ("/v1/score/batch", {"tickets": [TICKET]})]
)
async def test_rules_answer_when_the_callers_time_is_up(connect, scorer_with_fallback, path, body):
    async with connect(scorer_with_fallback) as client:
        scorer_with_fallback.gate.clear()
        answer = (await post(client, path, body, "0.05")).json()
        scorer_with_fallback.gate.set()
    (decision,) = answer.get("decisions", [answer])
    assert decision["degraded"]


async def test_the_setting_is_the_longest(connect, scorer_with_fallback):
    async with connect(scorer_with_fallback, deadline_seconds=0.05) as client:
        scorer_with_fallback.gate.clear()
        async with asyncio.timeout(5):
            answer = await post(client, "/v1/score", TICKET, "3600")
        scorer_with_fallback.gate.set()
    assert answer.json()["degraded"]


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "1e3", "", "１"])
async def test_what_is_no_time_is_refused(client, seconds):
    answer = await client.post(
        "/v1/score", json=TICKET, headers={b"X-Deadline-Seconds": seconds.encode("utf-8")}
    )
    assert answer.status_code == 422
    assert "X-Deadline-Seconds" in answer.json()["errors"][0]["detail"]
