"""The drift page in a real browser: computed on demand, shown, counted among the metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.app import create_app
from serve.settings import load_settings
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store

pytestmark = pytest.mark.browser

STALLS = "夜市摊贩占道经营，油烟很大，请城管处理"
HEATING = "某小区暖气不热，室温只有十五度，请处理"


class Scorer:
    """Tells invented texts apart by their characters; `gate` holds it up."""

    versions = Versions("m", "c", "p")
    policy = SimpleNamespace(promised_precision=0.95)

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        segmenter = SimpleNamespace(words=lambda text: [text[i : i + 2] for i in range(0, len(text), 2)])
        self.experts = SimpleNamespace(lexical=SimpleNamespace(features=SimpleNamespace(segmenter=segmenter)))
        self.catalog = Catalog.from_entries(
            city="山海市",
            gazetteer=Gazetteer.from_records(
                [
                    Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                    Jurisdiction("d", "东湖区", JurisdictionLevel.DISTRICT, "c"),
                ]
            ),
            families=[Family("城管", "占道经营")],
            departments=[Department("cg", "东湖区城管局", DepartmentKind.DISTRICT_BUREAU, "城管", "d")],
        )

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        assert self.gate.wait(20)
        found = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in enumerate(texts):
            for char in text:
                found[row, ord(char) % 512] += 1
        return found


def fill(store: Store) -> None:
    """Add six weeks of stalls; in the last two also cold flats that fit no unit."""
    with store.transaction() as session:
        for week in range(7):
            for i in range(30):
                lost = week >= 5 and i % 2 == 0
                session.add(
                    StoredDecision(
                        ticket_id=f"t{week}-{i}", revision=1, input_sha256="0" * 64,
                        text=HEATING if lost else STALLS, answered_at=now() - timedelta(weeks=6 - week, minutes=i),
                        level="consult" if lost else "auto", mode="direct", unit=None if lost else "cg",
                        family=None if lost else "城管", score=0.3 if lost else 0.97, district_code="d",
                        place_status="resolved", flags=[], degraded=False, audited=False, model_version="m",
                        catalog_version="c", policy_version="p", answer=None,
                    )
                )  # fmt: skip


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


@pytest.fixture(scope="module")
def app(shared_store: Store, tmp_path_factory: pytest.TempPathFactory, scorer: Scorer) -> FastAPI:
    fill(shared_store)
    settings = load_settings(
        database_url=shared_store.engine.url.render_as_string(hide_password=False), similar_tickets=0,
        write_ahead_file=tmp_path_factory.mktemp("ahead") / "waiting.log",
    )  # fmt: skip
    return create_app(settings, scorer)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(app: FastAPI, listening) -> Iterator[str]:
    with listening(app) as url:
        yield url


@pytest.fixture
def page(served: str, shared_store: Store, browser: Browser, cookie_of) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
    context.add_cookies([cookie_of(shared_store, served, uuid4().hex, "analyst")])
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"{served}/drift")
    yield page
    assert page.faults == []  # type: ignore[attr-defined]
    context.close()


def test_it_is_computed_when_somebody_asks_and_shows_what_moved(
    page: Page, scorer: Scorer, served: str, seen
) -> None:
    expect(page.locator("#drift")).to_contain_text("还没有计算过")
    assert "paidan_drift_alerts" not in httpx.get(f"{served}/metrics").text
    scorer.gate.clear()
    page.get_by_role("button", name="计算").click()
    expect(page.locator("#drift")).to_contain_text("正在计算")
    scorer.gate.set()
    expect(page.locator("#drift")).to_contain_text("计算于", timeout=20_000)
    expect(page.locator(".alerts li").first).to_contain_text("等级分布变化明显")
    expect(page.get_by_role("region", name="没有合适单位的诉求")).to_contain_text("暖气不热")
    expect(page.get_by_role("button", name="重新计算")).to_have_count(0)
    expect(page.locator("#drift")).to_contain_text("起可重新计算")
    assert 'paidan_drift_alerts{kind="level"} 1.0' in httpx.get(f"{served}/metrics").text
    seen(page)


@pytest.mark.parametrize(("role", "status"), [("lead", 200), ("operator", 403)])
def test_leads_look_and_operators_stay_out(
    served: str, shared_store: Store, browser: Browser, cookie_of, role: str, status: int
) -> None:
    context = browser.new_context(locale="zh-CN")
    context.add_cookies([cookie_of(shared_store, served, uuid4().hex, role)])
    page = context.new_page()
    response = page.goto(f"{served}/drift")
    assert response is not None
    assert response.status == status
    assert page.get_by_role("button", name="计算").count() == 0
    assert context.request.post(f"{served}/drift/compute", data={}).status == 403
    context.close()
