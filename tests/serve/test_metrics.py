"""Figures are right, and hold nothing that a ticket or a caller says."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from data.tickets.ticket import Ticket
from serve.metrics.meters import Meters
from serve.store.dispatching import Dispatching
from serve.store.recording import RecordingScorer
from serve.store.write_ahead import WriteAheadFile

pytestmark = pytest.mark.anyio

KEY = "figures-for-nobody-else"
TICKET = {"ticket_id": "canary-id", "text": "东湖区停水 canary", "title": "canary", "address": "canary"}


async def scrape(client: httpx.AsyncClient, **headers: str) -> dict[str, float]:
    """Return every sample by its name and labels."""
    response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200
    return dict(_samples(response.text))


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()) if k != "le")
            yield f"{sample.name}{{{labels}}}" if labels else sample.name, sample.value


@pytest.fixture
def with_store(tmp_path: Path) -> dict[str, object]:
    return {
        "database_url": f"sqlite:///{tmp_path / 'paidan.db'}",
        "write_ahead_file": tmp_path / "waiting.log",
    }


async def test_requests_are_timed_by_their_route(client: httpx.AsyncClient):
    await client.post("/v1/score?canary=1", json=TICKET)
    await client.get("/canary")
    figures = await scrape(client)
    assert figures["paidan_request_seconds_count{method=POST,route=/v1/score,status=200}"] == 1
    assert figures["paidan_request_seconds_count{method=GET,route=unmatched,status=404}"] == 1


async def test_nothing_of_a_ticket_or_a_caller_is_in_the_figures(client: httpx.AsyncClient):
    headers = {"x-request-id": "canary-canary"}
    await client.post("/v1/score?canary=1", json=TICKET, headers=headers)
    await client.post("/v1/score", json=TICKET | {"canary": 1}, headers=headers)
    await client.request("CANARY", "/canary", headers=headers)
    assert "canary" not in (await client.get("/metrics")).text.lower()


async def test_batches_are_counted_with_what_there_was_to_read(client: httpx.AsyncClient):
    await client.post("/v1/score", json={"ticket_id": "a", "text": "水" * 30})
    figures = await scrape(client)
    assert figures["paidan_batch_tickets_sum"] == 1
    assert figures["paidan_batch_characters_sum"] == 30
    assert figures["paidan_stage_seconds_count{stage=queue}"] == 1
    assert figures["paidan_stage_seconds_count{stage=model}"] == 1
    assert figures["paidan_stage_seconds_count{stage=store}"] == 0


async def test_looking_up_and_storing_are_timed(connect, scorer, with_store):
    async with connect(scorer, **with_store) as client:
        await client.post("/v1/score", json=TICKET)
        await client.post("/v1/score", json=TICKET)
        figures = await scrape(client)
    stages = {s: figures[f"paidan_stage_seconds_count{{stage={s}}}"] for s in ("lookup", "model", "store")}
    assert stages == {"lookup": 2, "model": 1, "store": 1}


async def test_decisions_are_counted_by_level(client: httpx.AsyncClient):
    await client.post("/v1/score/batch", json={"tickets": [TICKET, TICKET | {"ticket_id": "b"}]})
    figures = await scrape(client)
    assert figures["paidan_decisions_total{answered_by=model,level=suggest}"] == 2
    assert figures["paidan_decisions_total{answered_by=model,level=auto}"] == 0


async def test_answers_of_the_rules_are_counted(connect, scorer_with_fallback):
    async with connect(scorer_with_fallback, deadline_seconds=0.05) as client:
        scorer_with_fallback.gate.clear()
        await client.post("/v1/score", json=TICKET)
        scorer_with_fallback.gate.set()
        assert (await scrape(client))["paidan_degraded_total"] == 1


async def test_problems_are_counted_by_name(client: httpx.AsyncClient):
    await client.post("/v1/score", json={})
    await client.post("/v1/score", json=TICKET | {"text": "poison"})
    figures = await scrape(client)
    assert figures["paidan_problems_total{problem=invalid-request}"] == 1
    assert figures["paidan_problems_total{problem=scoring-failed}"] == 1
    assert figures["paidan_batches_failed_total"] == 1


async def test_a_body_refused_by_its_length_is_counted(connect, scorer):
    async with connect(scorer, max_body_bytes=1024) as client:
        await client.post("/v1/score", json=TICKET | {"title": "x" * 2000})
        assert (await scrape(client))["paidan_problems_total{problem=body-too-large}"] == 1


async def test_queue_is_what_waits_now(connect, scorer):
    async with connect(scorer) as client:
        scorer.entered.clear()
        scorer.gate.clear()
        calls = [asyncio.create_task(client.post("/v1/score", json=TICKET))]
        await asyncio.to_thread(scorer.entered.wait)
        calls.append(asyncio.create_task(client.post("/v1/score", json={"ticket_id": "b", "text": "水" * 9})))
        await asyncio.sleep(0.05)
        figures = await scrape(client)
        scorer.gate.set()
        await asyncio.gather(*calls)
    assert figures["paidan_queue_tickets{call=single}"] == 1
    assert figures["paidan_queue_characters"] == 9


async def test_equal_texts_are_counted_as_hits_of_the_cache(connect, scorer):
    async with connect(scorer, cache_entries=10) as client:
        await client.post("/v1/score", json=TICKET)
        before = await scrape(client)
        await client.post("/v1/score", json=TICKET | {"ticket_id": "another"})
        after = await scrape(client)
    gained = {
        o: after[f"paidan_cache_lookups_total{{outcome={o}}}"]
        - before[f"paidan_cache_lookups_total{{outcome={o}}}"]
        for o in ("hit", "miss")
    }
    assert gained == {"hit": 1, "miss": 0}


async def test_without_a_cache_nothing_is_said_of_it(connect, scorer):
    async with connect(scorer, cache_entries=0) as client:
        assert "paidan_cache" not in (await client.get("/metrics")).text


async def test_versions_of_what_answers_are_named(client: httpx.AsyncClient):
    figures = await scrape(client)
    (info,) = (name for name in figures if name.startswith("paidan_serving_info"))
    assert "catalog=catalog-1,model=model-1,policy=policy-1" in info


async def test_model_age_is_that_of_the_artifact(connect, scorer):
    class Manifest:
        created_at = "2020-01-01T00:00:00"
        identity = "x"

    scorer.manifest = Manifest()
    async with connect(scorer) as client:
        assert (await scrape(client))["paidan_model_age_seconds"] > 5 * 365 * 86_400


async def test_store_that_is_down_shows(connect, scorer, with_store, tmp_path: Path):
    async with connect(scorer, **with_store) as client:
        assert (await scrape(client))["paidan_store_down"] == 0
        with closing(sqlite3.connect(tmp_path / "paidan.db")) as database:
            database.execute("DROP TABLE decisions")
        await client.post("/v1/score", json=TICKET)
        figures = await scrape(client)
    assert figures["paidan_store_down"] == 1
    assert figures["paidan_write_ahead_decisions"] == 1


def test_decisions_that_nothing_keeps_are_counted(store, scorer, tmp_path: Path, decision_on):
    from serve.store.base import Base

    meters, full = Meters(), WriteAheadFile(tmp_path / "full.log", 0)
    recording = RecordingScorer(scorer, store, full, Dispatching(0.0, 1, 60, 5), meters)
    Base.metadata.drop_all(store.engine)
    recording.score([Ticket("a", "停水")])
    full.close()
    assert meters.registry.get_sample_value("paidan_decisions_not_kept_total") == 1


async def test_two_applications_do_not_mix(connect, scorer):
    async with connect(scorer) as one, connect(scorer) as other:
        await one.post("/v1/score", json=TICKET)
        assert (await scrape(other))["paidan_decisions_total{answered_by=model,level=suggest}"] == 0


async def test_metrics_are_open_where_calls_need_no_key(connect, scorer):
    async with connect(scorer, require_api_key=False) as client:
        assert (await client.get("/metrics")).status_code == 200


async def test_metrics_are_closed_where_calls_need_a_key(connect, scorer, with_store):
    async with connect(scorer, require_api_key=True, **with_store) as client:
        response = await client.get("/metrics")
    assert response.status_code == 401
    assert response.json()["type"].endswith(":metrics-key-missing")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("open_to_calls", [True, False])
async def test_metrics_key_opens_them(connect, scorer, with_store, open_to_calls: bool):
    options = {"require_api_key": not open_to_calls, "metrics_key": KEY, **with_store}
    async with connect(scorer, **options) as client:
        assert (await client.get("/metrics")).status_code == 401
        for wrong in (f"Bearer {KEY}x", f"Basic {KEY}", "Bearer ", "Bearer ключ"):
            headers = {"authorization": wrong.encode()}
            assert (await client.get("/metrics", headers=headers)).status_code == 401
        assert await scrape(client, authorization=f"Bearer {KEY}")


def test_metrics_key_is_not_shown(make_settings):
    assert KEY not in repr(make_settings(metrics_key=KEY))


def test_short_metrics_key_is_refused(make_settings):
    from serve.settings import ServeSettingsError

    with pytest.raises(ServeSettingsError, match="metrics_key"):
        make_settings(metrics_key="short")


def test_decision_counts_hold_the_degraded_apart(decision_on):
    meters = Meters()
    meters.answered(replace(decision_on(Ticket("a", "停水")), degraded=True))
    assert meters.registry.get_sample_value("paidan_degraded_total") == 1
