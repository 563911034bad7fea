"""POST /v1/feedback through the real application, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from serve.app import create_app
from serve.security.keys import ApiKeys, Scope
from serve.settings import load_settings
from serve.store.engine import Store

EVENT = {
    "event_id": "e1",
    "ticket_id": "t1",
    "kind": "returned",
    "unit": "u0",
    "reason": "jurisdiction",
    "happened_at": "2026-11-24T10:00:00+08:00",
}


@asynccontextmanager
async def _client(
    database_url: str | None, tmp_path: Path, scorer, **options: object
) -> AsyncIterator[httpx.AsyncClient]:
    settings = load_settings(database_url=database_url, write_ahead_file=tmp_path / "waiting.log", **options)
    app = create_app(settings, scorer)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        yield client


@pytest.mark.anyio
async def test_what_is_known_is_kept_apart(tables_url: str, tmp_path: Path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        await client.post("/v1/score", json={"ticket_id": "t1", "text": "停水"})
        answer = await client.post("/v1/feedback", json=EVENT)
        assert answer.status_code == 200
        assert answer.json() == {
            "ticket_id": "t1",
            "model": "u0",
            "operator": None,
            "held": None,
            "returned": ["u0"],
        }


@pytest.mark.anyio
async def test_an_event_twice_is_once_and_a_contradiction_is_told(
    tables_url: str, tmp_path: Path, scorer
) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        first = await client.post("/v1/feedback", json=EVENT)
        assert (await client.post("/v1/feedback", json=EVENT)).content == first.content
        other = await client.post("/v1/feedback", json=EVENT | {"unit": "u1"})
        assert (other.status_code, other.json()["status"]) == (409, 409)


@pytest.mark.anyio
async def test_events_may_come_in_any_order(tables_url: str, tmp_path: Path, scorer) -> None:
    accepted = EVENT | {
        "event_id": "e2",
        "kind": "accepted",
        "unit": "u1",
        "reason": None,
        "happened_at": "2026-11-24T12:00:00+08:00",
    }
    async with _client(tables_url, tmp_path, scorer) as client:
        await client.post("/v1/feedback", json=accepted)
        answer = await client.post("/v1/feedback", json=EVENT)
        assert (answer.json()["held"], answer.json()["returned"]) == ("u1", ["u0"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost"},
        {"reason": "weather"},
        {"happened_at": 5},
        {"event_id": ""},
        {"ticket_id": "a\nb"},
        {"extra": 1},
    ],
)
async def test_what_is_no_event_is_refused(
    sqlite_url: str, tmp_path: Path, scorer, fault: dict[str, object]
) -> None:
    async with _client(sqlite_url, tmp_path, scorer) as client:
        answer = await client.post("/v1/feedback", json=EVENT | fault)
        assert answer.status_code == 422
        assert answer.json()["errors"]


@pytest.mark.anyio
async def test_without_a_store_there_is_nowhere_to_keep_it(tmp_path: Path, scorer) -> None:
    async with _client(None, tmp_path, scorer) as client:
        assert (await client.post("/v1/feedback", json=EVENT)).status_code == 503


@pytest.mark.anyio
async def test_no_free_connection_is_told_as_not_ready(
    sqlite_url: str, tmp_path: Path, scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_in_vain(*_: object) -> None:
        raise NoFreeConnection

    async with _client(sqlite_url, tmp_path, scorer) as client:
        monkeypatch.setattr("serve.api.feedback.record", wait_in_vain)
        assert (await client.post("/v1/feedback", json=EVENT)).status_code == 503


@pytest.mark.anyio
async def test_it_takes_a_key_of_its_own_scope(sqlite_url: str, tmp_path: Path, scorer) -> None:
    async with _client(sqlite_url, tmp_path, scorer, require_api_key=True) as client:
        store = Store.open(sqlite_url)
        keys = {scope: ApiKeys(store).create(scope, [scope], days=1, by="cli") for scope in Scope}
        store.close()
        for scope, status in ((Scope.SCORE, 403), (Scope.FEEDBACK, 200), (Scope.ADMIN, 200)):
            sent = await client.post(
                "/v1/feedback", json=EVENT, headers={"Authorization": f"Bearer {keys[scope]}"}
            )
            assert sent.status_code == status


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit", "u\u0000"),
        ("happened_at", "0001-01-01T00:00:00"),
        ("happened_at", "9999-12-31T23:59:59-23:00"),
    ],
)
async def test_what_a_database_could_not_hold_is_refused(
    tables_url: str, tmp_path: Path, scorer, field: str, value: str
) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        answer = await client.post("/v1/feedback", json=EVENT | {field: value})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
