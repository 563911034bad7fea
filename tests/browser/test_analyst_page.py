"""The analyst's page in a real browser: models, a trial of a policy, promotion and rollback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete, select

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model import artifact
from model.decision import Decision, Versions
from model.policy_trial import ANSWERS, PastAnswers, Promise
from model.registry import COMPARISON, CURRENT, Registry
from serve.app import create_app
from serve.settings import load_settings
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import AuditEntry
from serve.store.shadows import ShadowDecision

pytestmark = pytest.mark.browser


class Scorer:
    versions = Versions("m", "c", "p")

    def __init__(self) -> None:
        self.catalog = Catalog.from_entries(
            city="山海市",
            gazetteer=Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY)]),
            families=[Family("水务", "供水")],
            departments=[
                Department("w", "山海市水务局", DepartmentKind.CITY_DEPARTMENT, "水务", "c"),
                Department("x", "山海市供水公司", DepartmentKind.PUBLIC_SERVICE_COMPANY, "水务", "c"),
            ],
        )

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []


def _answers(count: int = 4000) -> PastAnswers:
    """Invent answers whose score is the chance to be right."""
    draw = np.random.default_rng(1)
    scores = draw.uniform(0.3, 1, count).astype(np.float32)
    return PastAnswers(
        scores,
        draw.uniform(size=count) < scores,
        np.zeros(count, dtype=bool),
        np.full(count, "w"),
        np.full(count, "city"),
    )


def _artifact(folder: Path, learned: str, day: int) -> Path:
    content: dict[str, Any] = {
        "encoder": {},
        "columns": {},
        "data": {},
        "settings": {"preselect_precision": 0.75},
        "metrics": {"calibration_top1": 0.7 + day / 100},
        "software": {},
    }
    with artifact.new_artifact(folder / learned) as scratch:
        (scratch / artifact.HEAD).write_text(learned)
        _answers().fit(Promise(0.95, 0.75, 0.9)).save(scratch / artifact.POLICY)
        artifact.write_manifest(scratch, created_at=f"2026-01-{day:02}T08:00:00+00:00", **content)
    return folder / learned


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the folders of two models, and where their registry is."""
    folder = tmp_path_factory.mktemp("models")
    return _artifact(folder, "a", 1), _artifact(folder, "b", 2)


@pytest.fixture
def registry(models: tuple[Path, Path], shared_store: Store) -> Registry:
    """Give a registry of two models: the first serves, the second was compared, fails a gate and watches."""
    root = models[0].parent / "registry"
    shutil.rmtree(root, ignore_errors=True)
    kept = Registry(root)
    first, second = (kept.add(Path(shutil.copytree(model, f"{model}-{uuid4().hex}"))) for model in models)
    kept.promote(first.name, by="wang", reason="第一个模型")
    reports = kept.reports(second.name)
    reports.mkdir(parents=True)
    (reports / COMPARISON).write_text(
        json.dumps(
            {
                "champion": {"model_version": first.manifest.model_version},
                "challenger": {"model_version": second.manifest.model_version},
                "gates": [
                    {"name": "top1", "passed": True, "figure": 0.01, "bound": -0.01},
                    {"name": "calibration", "passed": False, "figure": 0.09, "bound": 0.05},
                ],
            }
        )
    )
    (reports / "report.html").write_text(
        "<!doctype html><html lang='zh'><title>报告</title><h1>x</h1>"
        "<script>document.querySelector('h1').textContent = '报告画好了'</script></html>"
    )
    (reports / ANSWERS).write_text(_answers().to_json(), "utf-8")
    shadow = kept.begin_shadow(kept.entries()[0].name)
    with shared_store.transaction() as session:
        session.execute(delete(ShadowDecision))
        session.add_all(
            ShadowDecision(
                ticket_id=f"SH-{number}", input_sha256=str(number), answered_at=now(), live_model="m", live_unit="w",
                live_score=0.9, live_level="auto", shadow_model=shadow.manifest.model_version,
                shadow_unit="x" if number else "w", shadow_score=0.9, shadow_level="auto",
            )
            for number in range(3)
        )  # fmt: skip
    return kept


@pytest.fixture(scope="module")
def served(
    shared_store: Store, models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory, listening
) -> Iterator[str]:
    settings = load_settings(
        database_url=shared_store.engine.url.render_as_string(hide_password=False),
        write_ahead_file=tmp_path_factory.mktemp("ahead") / "waiting.log",
        artifact=models[0].parent / "registry" / CURRENT,
    )
    with listening(create_app(settings, Scorer())) as url:  # type: ignore[arg-type]
        yield url


@pytest.fixture
def name() -> str:
    return f"an-{uuid4().hex[:8]}"


@pytest.fixture
def page(
    served: str, shared_store: Store, registry: Registry, browser: Browser, cookie_of, name: str
) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
    context.add_cookies([cookie_of(shared_store, served, name, "analyst")])
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"{served}/models")
    yield page
    assert page.faults == []  # type: ignore[attr-defined]
    context.close()


def _confirm(page: Page, reason: str) -> None:
    page.locator("#sure-reason").fill(reason)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_be_hidden()


def test_the_page_shows_what_serves_what_watches_and_why(page: Page, registry: Registry) -> None:
    expect(page.locator("tr.current")).to_contain_text("使用中")
    expect(page.locator("#models table").first).to_contain_text("旁路中")
    expect(page.get_by_role("region", name="旁路")).to_contain_text("首选相同 33.3%")
    expect(page.get_by_role("region", name="旁路")).to_contain_text("山海市供水公司")
    page.get_by_text("变更记录").click()
    expect(page.locator("#history")).to_contain_text("wang 启用")


def test_a_closed_gate_refuses_until_it_is_overruled(
    page: Page, registry: Registry, shared_store: Store, name: str
) -> None:
    newest = registry.entries()[0].name
    page.get_by_role("button", name=f"启用 {newest}").click()
    expect(page.locator("#sure-what")).to_contain_text("未通过：把关：分数可信")
    _confirm(page, "试试")
    expect(page.locator("#told")).to_contain_text("没有启用：把关：分数可信")
    page.get_by_role("button", name=f"启用 {newest}").click()
    page.get_by_label("强制启用").check()
    _confirm(page, "已知分数偏高，先启用")
    expect(page.locator("tr.current th")).to_contain_text(newest)
    assert registry.history()[-1].overruled == ("gate calibration",)
    with shared_store.transaction() as session:
        mine = select(AuditEntry).where(
            AuditEntry.action == "model.promote", AuditEntry.actor == f"user:{name}"
        )
        assert session.scalars(mine).one().subject == f"model:{newest}"
    page.get_by_role("button", name="回退").click()
    _confirm(page, "退单变多")
    expect(page.locator("tr.current th")).not_to_contain_text(newest)


def test_a_policy_is_tried_before_it_is_kept(page: Page, registry: Registry) -> None:
    before = len(registry.entries())
    page.get_by_role("button", name="试算").click()
    figures = page.locator("#simulation .key-figures div")
    expect(figures.first).to_contain_text("自动派出")
    strict = float(figures.nth(0).locator("dd").inner_text())
    page.locator('[name="precision"]').focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    expect(page.locator('[name="precision"]')).to_have_value("0.91")
    expect(figures.nth(0).locator("dd")).not_to_have_text(f"{strict:.0f}")
    assert float(figures.nth(0).locator("dd").inner_text()) > strict
    assert len(registry.entries()) == before
    page.get_by_role("button", name="存为新模型").click()
    _confirm(page, "多派一些")
    expect(page.locator("#models tbody tr")).to_have_count(before + 1 + 1)  # and one of the shadow's table
    kept = registry.entries()
    assert len(kept) == before + 1
    assert len({entry.manifest.policy_version for entry in kept}) == 2


def test_a_shadow_is_ended_with_a_reason(page: Page, registry: Registry) -> None:
    page.get_by_role("button", name="结束").click()
    page.locator('#sure button[value="ok"]').click()
    expect(page.locator("#sure .fault")).to_have_text("请写明原因。")
    _confirm(page, "看够了")
    expect(page.get_by_text("旁路中")).to_have_count(0)
    assert registry.shadow() is None


def test_a_report_draws_itself_and_reaches_nothing_else(page: Page, served: str, registry: Registry) -> None:
    response = page.goto(f"{served}/models/{registry.entries()[0].name}/report")
    assert response is not None
    assert response.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    expect(page.locator("h1")).to_have_text("报告画好了")


@pytest.mark.parametrize("shared_store", ["sqlite"], indirect=True)  # the page is the same on both
def test_axe_finds_nothing(page: Page, seen) -> None:
    page.get_by_role("button", name="试算").click()
    expect(page.locator("#simulation .key-figures")).to_be_visible()
    seen(page)


@pytest.mark.parametrize(("role", "sees", "may"), [("lead", True, False), ("operator", False, False)])
def test_others_look_or_stay_out(
    served: str,
    shared_store: Store,
    browser: Browser,
    cookie_of,
    registry: Registry,
    role: str,
    sees: bool,
    may: bool,
) -> None:
    context = browser.new_context(locale="zh-CN")
    context.add_cookies([cookie_of(shared_store, served, f"{role}-{uuid4().hex[:8]}", role)])
    page = context.new_page()
    response = page.goto(f"{served}/models")
    assert response is not None
    assert (response.status == 200) is sees
    if sees:
        assert (page.get_by_role("button", name="启用").count() > 0) is may
    refused = context.request.post(
        f"{served}/models/{registry.entries()[0].name}/promote", data={"reason": "x"}
    )
    assert refused.status == 403
    assert len(registry.history()) == 1
    context.close()


def test_without_a_registry_the_page_says_what_to_set(
    shared_store: Store, tmp_path: Path, browser: Browser, listening, cookie_of, name: str
) -> None:
    settings = load_settings(
        database_url=shared_store.engine.url.render_as_string(hide_password=False),
        write_ahead_file=tmp_path / "waiting.log",
        artifact=tmp_path / "model",
    )
    with listening(create_app(settings, Scorer())) as url:  # type: ignore[arg-type]
        context = browser.new_context(locale="zh-CN")
        context.add_cookies([cookie_of(shared_store, url, name, "analyst")])
        page = context.new_page()
        page.goto(f"{url}/models")
        expect(page.locator("main")).to_contain_text("请把设置 artifact 指向模型库的 current")
        context.close()
