"""The lead's page over HTTP: who sees it, who throws the switch, and that scorers obey."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import Level
from serve.lead.stops import AutoStops
from serve.store import recording
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import AuditEntry, User, UserSession
from serve.store.reviews import AutoStop

CSRF = "c" * 32
pytestmark = pytest.mark.anyio


def make_catalog() -> Catalog:
    kind = DepartmentKind.DISTRICT_BUREAU
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                Jurisdiction("d", "东湖区", JurisdictionLevel.DISTRICT, "c"),
            ]
        ),
        families=[Family("城管局", "占道经营")],
        departments=[Department(f"u{i}", f"单位{i}", kind, "城管局", "d") for i in range(2)],
    )


class AutoScorer:
    """Sends everything out by itself, to u0."""

    def __init__(self, decide: Callable) -> None:
        self._decide = decide
        self.catalog = make_catalog()
        self.policy = SimpleNamespace(promised_precision=0.95)
        self.versions = decide(Ticket("v", "停水")).versions

    def score(self, tickets, *, top_k=3):
        return [replace(self._decide(ticket, top_k), level=Level.AUTO) for ticket in tickets]


def sign_in(store: Store, client: httpx.AsyncClient, role: str) -> User:
    user = User(name=role, display_name=f"人员{role}", role=role, password_hash="-", created_at=now())
    token = uuid4().hex
    with store.transaction() as session:
        session.add(user)
        session.flush()
        session.add(
            UserSession(
                user_id=user.id,
                token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                csrf_token=CSRF,
                created_at=now(),
                last_seen_at=now(),
                expires_at=now() + timedelta(hours=1),
            )
        )
    client.cookies.set("paidan_session", token)
    return user


@pytest.fixture
async def client(
    store: Store, tables_url: str, tmp_path: Path, connect, decision_on, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(recording, "_STOPS_SECONDS", 0.0)
    scorer = AutoScorer(decision_on)
    async with connect(
        scorer, database_url=tables_url, write_ahead_file=tmp_path / "waiting.log", audit_share=0.0
    ) as connected:
        yield connected


async def throw(client: httpx.AsyncClient, unit: str | None, *, lift: bool = False, **more) -> httpx.Response:
    path = "/desk/stops/lift" if lift else "/desk/stops"
    headers = {"X-CSRF-Token": more.pop("token", CSRF)}
    return await client.post(path, json={"unit": unit, "reason": "抽检有误"} | more, headers=headers)


async def level_of(client: httpx.AsyncClient, ticket_id: str) -> str:
    answer = await client.post("/v1/score", json={"ticket_id": ticket_id, "text": "东湖区停水"})
    return answer.json()["level"]


def stops(store: Store) -> list[AutoStop]:
    with store.transaction() as session:
        return list(session.scalars(select(AutoStop).order_by(AutoStop.id)))


def audited(store: Store) -> list[tuple[str, str, str | None]]:
    with store.transaction() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.actor, entry.action, entry.subject) for entry in entries]


@pytest.mark.parametrize("role", ["lead", "analyst", "admin"])
async def test_the_page_is_shown_to(role: str, client: httpx.AsyncClient, store: Store):
    sign_in(store, client, role)
    for period in ("", "today", "week", "month", "nonsense"):
        page = await client.get("/desk", params={"period": period})
        assert page.status_code == 200
        assert "承诺 95.0%" in page.text
    assert ("停一家单位" in page.text) is (role != "analyst")
    charts = await client.get("/desk/charts.json")
    assert charts.json()["audits"]["promised"] == 0.95


async def test_an_operator_is_told_who_may(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "operator")
    page = await client.get("/desk", headers={"accept": "text/html"})
    assert page.status_code == 403
    assert "您的账号不能查看这一页" in page.text
    assert (await client.get("/desk/figures")).status_code == 403
    assert (await client.get("/desk/charts.json")).status_code == 403


async def test_a_stranger_signs_in_first(client: httpx.AsyncClient):
    page = await client.get("/desk?period=week", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/desk%3Fperiod%3Dweek")


@pytest.mark.parametrize("role", ["operator", "analyst"])
async def test_the_switch_is_not_for(role: str, client: httpx.AsyncClient, store: Store):
    sign_in(store, client, role)
    assert (await throw(client, None)).status_code == 403
    assert (await throw(client, None, lift=True)).status_code == 403
    assert stops(store) == []


async def test_the_switch_needs_the_pages_token_and_a_reason(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "lead")
    assert (await throw(client, None, token="other")).status_code == 403
    assert (await throw(client, None, reason=" ")).status_code == 422
    assert (await throw(client, "no such unit")).status_code == 409
    assert stops(store) == []


async def test_a_stopped_unit_gets_nothing_by_itself_until_lifted(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "lead")
    assert await level_of(client, "T1") == "auto"
    assert "抽检有误" in (await throw(client, "u0")).text
    assert await level_of(client, "T2") == "preselect"
    assert "运行中" in (await throw(client, "u0", lift=True, reason="已改正")).text
    assert await level_of(client, "T3") == "auto"
    (stop,) = stops(store)
    assert (stop.unit, stop.reason, stop.lift_reason) == ("u0", "抽检有误", "已改正")
    assert audited(store) == [("user:lead", "auto.stop", "unit:u0"), ("user:lead", "auto.lift", "unit:u0")]


async def test_everything_is_stopped_at_once(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "admin")
    await throw(client, "u1")
    assert await level_of(client, "T1") == "auto"
    page = await throw(client, None)
    assert "已全部停止" in page.text
    assert await level_of(client, "T2") == "preselect"
    assert "1 家单位已停止" in (await throw(client, None, lift=True)).text


async def test_a_second_throw_changes_nothing(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "lead")
    for _ in range(2):
        assert (await throw(client, "u0")).status_code == 200
    for _ in range(2):
        assert (await throw(client, "u0", lift=True)).status_code == 200
    assert [action for _, action, _ in audited(store)] == ["auto.stop", "auto.lift"]


def test_clicks_at_once_are_one(store: Store):
    user = User(name="lead", display_name="班长", role="lead", password_hash="-", created_at=now())
    with store.transaction() as session:
        session.add(user)
    catalog = make_catalog()
    switch = AutoStops(store, lambda: catalog)
    threads = [threading.Thread(target=switch.stop, args=(user, "u0", "抽检有误")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(stops(store)) == 1
    threads = [threading.Thread(target=switch.lift, args=(user, "u0", "已改正")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [action for _, action, _ in audited(store)] == ["auto.stop", "auto.lift"]


async def test_reasons_are_text_not_html(client: httpx.AsyncClient, store: Store):
    sign_in(store, client, "lead")
    await throw(client, None, reason="<script>alert(1)</script>")
    assert "<script>alert" not in (await client.get("/desk")).text


async def test_vendored_charts_come_with_their_licence():
    for script in Path("serve/static/vendor").glob("echarts-*.min.js"):
        licence = script.with_name(script.name.split(".common")[0] + ".LICENSE.txt").read_text("utf-8")
        assert "Apache License" in licence
        assert "zrender" in licence
