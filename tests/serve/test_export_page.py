"""/review/export through the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from serve.app import create_app
from serve.export import routes
from serve.export.reviewed import ReviewedTickets
from serve.security.accounts import Accounts
from serve.security.roles import Role
from serve.settings import load_settings
from serve.store.engine import Store

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"


@pytest.fixture
async def browser(scorer: Any, sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An analyst who is signed in."""
    store = Store.open(sqlite_url)
    Accounts(store, session_hours=1).add("li", PASSWORD, Role.ANALYST, by="cli")
    store.close()
    scorer.catalog = Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY)]),
        families=[Family("水务局", "供水")],
        departments=[Department("sw", "山海市水务局", DepartmentKind.CITY_DEPARTMENT, "水务局", "c")],
    )
    app = create_app(
        load_settings(database_url=sqlite_url, write_ahead_file=tmp_path / "waiting.log"), scorer
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        await client.post("/login", data={"name": "li", "password": PASSWORD})
        yield client


async def test_page_reads_nothing_until_days_are_given(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise AssertionError("the export was read")

    monkeypatch.setattr(ReviewedTickets, "rows", refuse)
    page = await browser.get("/review/export")
    assert page.status_code == 200
    assert "可导出" not in page.text
    assert "全部日期" in page.text
    assert 'action="/review/export/file"' in page.text


async def test_days_are_counted(browser: httpx.AsyncClient):
    page = await browser.get("/review/export", params={"since": "2026-01-01"})
    assert "可导出 <strong>0</strong> 行" in page.text


async def test_days_that_are_none_are_told(browser: httpx.AsyncClient):
    page = await browser.get("/review/export/file", params={"since": "gestern"})
    assert page.status_code == 400
    assert "日期不对" in page.text
    assert 'action="/review/export/file"' not in page.text


@pytest.mark.parametrize("path", ["/review/export?since=2026-01-01", "/review/export/file"])
async def test_second_export_is_told_to_wait(browser: httpx.AsyncClient, path: str):
    with routes._reading:
        page = await browser.get(path)
        assert page.status_code == 429
        assert "请稍候再试" in page.text
        assert (await browser.get("/review/export")).status_code == 200
    assert (await browser.get(path)).status_code == 200


async def test_export_that_fails_does_not_stop_the_next(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(routes, "write_rows", fail)
        assert (await browser.get("/review/export/file")).status_code == 500
    assert (await browser.get("/review/export/file")).status_code == 200
