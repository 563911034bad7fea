"""The review desk in a real browser: Debian's chromium, on both databases."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import uvicorn
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete, select, update

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
from serve.store.people import User, UserSession
from serve.store.reviews import Consultation, ReviewItem, Ruling
from serve.store.schema import upgrade

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
READ = 300  # milliseconds: the page takes no key before a person can have read the ticket


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    kind = DepartmentKind.DISTRICT_BUREAU
    names = ["朝阳区", "东湖区", "西山区"]
    districts = [Jurisdiction(f"d{i}", name, JurisdictionLevel.DISTRICT, "c") for i, name in enumerate(names)]
    streets = [
        Jurisdiction(f"s{i}", f"第{i}街道", JurisdictionLevel.SUBDISTRICT, f"d{i % 3}") for i in range(4991)
    ]
    units = [
        Department(f"{code}{i}", f"{name}{label}", kind, family, f"d{i}", aliases=(f"{name}{short}",))
        for i, name in enumerate(names)
        for code, label, family, short in (
            ("cg", "城市管理综合行政执法局", "城管局", "城管局"),
            ("sw", "水务局", "水务局", "水务"),
            ("jt", "交通局", "交通局", "交通"),
        )
    ]
    offices = [
        Department(f"o{i}", f"第{i}街道办事处", DepartmentKind.SUBDISTRICT_OFFICE, "街镇", f"s{i}")
        for i in range(4991)
    ]
    families = [
        Family("城管局", "占道经营、违法建设、露天烧烤的查处"),
        Family("水务局", "供水、排水和河道"),
        Family("交通局", "公交、出租和道路运输"),
        Family("街镇", "辖区内的综合治理"),
    ]
    gazetteer = Gazetteer.from_records(
        [Jurisdiction("c", "山海市", JurisdictionLevel.CITY), *districts, *streets]
    )
    return Catalog.from_entries(
        city="山海市", gazetteer=gazetteer, families=families, departments=[*units, *offices]
    )


class Served:
    """A desk that listens, with a queue of three tickets and one operator."""

    def __init__(self, store: Store, catalog: Catalog, url: str, server: uvicorn.Server) -> None:
        self.store, self.catalog, self.url, self.server = store, catalog, url, server

    def add(self, ticket_id: str, text: str, due: int = 60) -> int:
        at = text.find("门前")
        reasons = [{"kind": "words", "text": "占道经营", "spans": [{"start": 0, "end": 2, "text": text[:2]}]}]
        area = {"code": "d0", "name": "朝阳区", "path": ["山海市", "朝阳区"]}
        candidates = [
            {
                "department": {"code": code, "name": self.catalog.departments[code].name, "kind": "district_bureau"},
                "role": "lead", "jurisdiction": area, "score": score, "reasons": reasons if score > 0.5 else [],
            }
            for code, score in (("cg0", 0.7123), ("sw0", 0.2), ("jt0", 0.05))
        ]  # fmt: skip
        place = {
            "status": "resolved", "code": "d0", "path": ["山海市", "朝阳区"], "score": 0.9, "options": [],
            "evidence": [{"start": at, "end": at + 2, "text": "门前"}] if at >= 0 else [],
        }  # fmt: skip
        answer = {"candidates": candidates, "jurisdiction": place, "issue_category": None}
        with self.store.transaction() as session:
            decision = StoredDecision(
                ticket_id=ticket_id, revision=1, input_sha256="0" * 64, text=text, channel="电话",
                answered_at=now(), level="suggest", mode="direct", unit="cg0", family="城管局", score=0.7123,
                place_status="resolved", jurisdiction="d0", flags=["urgent"], degraded=False, audited=False,
                model_version="m", catalog_version="c", policy_version="p", answer=answer,
            )  # fmt: skip
            session.add(decision)
            session.flush()
            item = ReviewItem(
                decision_id=decision.id, kind="first", status="waiting", created_at=now(),
                due_at=now() + timedelta(minutes=due), risk=1, score=0.7123, level="suggest", family="城管局",
                district_code="d0", channel="电话", skipped_by=[],
            )  # fmt: skip
            session.add(item)
            session.flush()
            return item.id

    def user(self, name: str, role: str = "operator") -> User:
        user = User(
            name=name,
            display_name=f"操作员{name}",
            role=role,
            password_hash="-",
            failed_attempts=0,
            created_at=now(),
        )
        with self.store.transaction() as session:
            session.add(user)
        return user

    def cookie(self, user: User) -> dict[str, str]:
        token = uuid4().hex
        with self.store.transaction() as session:
            session.add(
                UserSession(
                    user_id=user.id,
                    token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                    csrf_token=uuid4().hex,
                    created_at=now(),
                    last_seen_at=now(),
                    expires_at=now() + timedelta(hours=1),
                )
            )
        return {"name": "paidan_session", "value": token, "url": self.url}

    def rulings(self) -> list[Ruling]:
        with self.store.transaction() as session:
            return list(session.scalars(select(Ruling).order_by(Ruling.id)))


@contextmanager
def listening(app: object) -> Iterator[tuple[str, uvicorn.Server]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join(10)


class Scorer:
    """Holds the catalog; the desk's tickets are put into the store by hand."""

    versions = Versions("m", "c", "p")

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []


@pytest.fixture
def desk(database_url: str, tmp_path: Path, catalog: Catalog) -> Iterator[Served]:
    store = Store.open(database_url)
    upgrade(store)
    settings = load_settings(
        database_url=database_url, write_ahead_file=tmp_path / "waiting.log", second_opinion_share=0.0
    )
    with listening(create_app(settings, Scorer(catalog))) as (url, server):
        served = Served(store, catalog, url, server)
        served.add("T1", "门前有摊贩占道经营，请处理。<b>粗</b><script>alert(1)</script>", due=30)
        served.add("T2", "路口积水多日没有退。", due=90)
        served.add("T3", "公交车等了很久。", due=200)
        yield served
    store.close()


@pytest.fixture
def context(desk: Served, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
    context.add_cookies([desk.cookie(desk.user("one"))])
    yield context
    context.close()


@pytest.fixture
def page(desk: Served, context: BrowserContext) -> Page:
    return opened(desk, context)


def opened(desk: Served, context: BrowserContext) -> Page:
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"{desk.url}/review")
    page.wait_for_timeout(READ)
    return page


def shows(page: Page, ticket_id: str) -> None:
    expect(page.locator(f'.ticket[data-ticket="{ticket_id}"]')).to_be_visible()
    page.wait_for_timeout(READ)


def choose(page: Page, typed: str) -> None:
    """Type into the open catalog and take what comes first."""
    page.locator("#picker-input").fill(typed)
    expect(page.locator("#picker-list li")).to_have_count(1)
    page.keyboard.press("Enter")


def test_one_key_settles_and_the_next_ticket_is_there(desk: Served, page: Page):
    shows(page, "T1")
    page.keyboard.press("1")
    shows(page, "T2")
    assert [(r.unit, r.rank, r.mode) for r in desk.rulings()] == [("cg0", 1, "direct")]
    assert page.faults == []  # type: ignore[attr-defined]


def test_evidence_is_marked_and_html_is_text(page: Page):
    expect(page.locator("mark.place")).to_have_text("门前")
    expect(page.locator(".ticket .text")).to_contain_text("<script>alert(1)</script>")
    assert page.locator(".ticket .text b").count() == 0


def test_key_pressed_twice_settles_one(desk: Served, page: Page):
    page.evaluate("() => { for (let i = 0; i < 4; i++) document.querySelector('.candidate').click() }")
    shows(page, "T2")
    assert len(desk.rulings()) == 1


def test_initials_find_a_unit_of_five_thousand(desk: Served, page: Page):
    page.keyboard.press("/")
    page.keyboard.type("cyqcgj")
    expect(page.locator("#picker-list li").first.locator(".name")).to_have_text(
        "朝阳区城市管理综合行政执法局"
    )
    page.keyboard.press("Enter")
    shows(page, "T2")
    assert desk.rulings()[0].unit == "cg0"


@pytest.mark.parametrize("typed", ["东湖区水务", "donghuqushuiwu", "dhqsw", "湖水务"])
def test_catalog_is_filtered_by(typed: str, page: Page):
    page.keyboard.press("/")
    page.locator("#picker-input").fill(typed)
    expect(page.locator("#picker-list li").first.locator(".name")).to_have_text("东湖区水务局")


def test_filter_of_five_thousand_units_takes_under_50_ms(page: Page):
    slowest = page.evaluate(
        """async () => {
          const { loadCatalog, filter } = await import("/static/review-picker.js");
          const { units } = await loadCatalog();
          if (units.length !== 5000) throw new Error(String(units.length));
          let slowest = 0;
          for (const typed of ["c", "cy", "cyq", "cyqc", "cyqcgj", "街道", "jiedao", "无此单位"]) {
            const started = performance.now();
            filter(units, typed);
            slowest = Math.max(slowest, performance.now() - started);
          }
          return slowest;
        }"""
    )
    assert slowest < 50, slowest


def test_arrows_and_enter(desk: Served, page: Page):
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    shows(page, "T2")
    assert desk.rulings()[0].unit == "sw0"


def test_undo_brings_the_ticket_back(desk: Served, page: Page):
    page.keyboard.press("1")
    shows(page, "T2")
    page.keyboard.press("u")
    shows(page, "T1")
    assert desk.rulings()[0].undone_at is not None


def test_skip_and_look_again(desk: Served, page: Page):
    for ticket_id in ("T1", "T2", "T3"):
        shows(page, ticket_id)
        page.keyboard.press("s")
    page.get_by_role("button", name="重新看跳过的 3 件").click()
    shows(page, "T1")


def test_note_goes_with_the_ruling(desk: Served, page: Page):
    page.keyboard.press("n")
    page.keyboard.type("已电话核实")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note-text")).to_have_text("已电话核实")
    page.keyboard.press("1")
    shows(page, "T2")
    assert desk.rulings()[0].note == "已电话核实"


def test_double_dispatch(desk: Served, page: Page):
    page.keyboard.press("d")
    page.locator('#compose [data-add="assisting"]').click()
    choose(page, "dhqsw")
    page.locator('#compose button[value="ok"]').click()
    shows(page, "T2")
    ruling = desk.rulings()[0]
    assert (ruling.mode, ruling.parts[0]["assisting"], ruling.parts[0]["jurisdiction"]) == (
        "dual",
        ["sw1"],
        "d0",
    )


def test_consultation_from_the_desk_to_its_ruling(desk: Served, page: Page):
    page.keyboard.press("c")
    page.locator('#consult [data-add="units"]').click()
    choose(page, "dhqsw")
    page.locator("#consult-question").fill("这里归谁管？")
    page.get_by_role("button", name="发起会商").click()
    shows(page, "T2")
    page.goto(f"{desk.url}/review/consult")
    page.get_by_label("东湖区水务局的答复").fill("不归我们")
    page.get_by_role("button", name="不属于").click()
    expect(page.get_by_text("不属于本单位")).to_be_visible()
    page.locator('.ruling [data-add="lead"]').click()
    choose(page, "cyqcgj")
    page.get_by_label("裁定理由").fill("摊贩由城管查处")
    page.get_by_role("button", name="裁定").click()
    expect(page.get_by_text("没有进行中的会商")).to_be_visible()
    with desk.store.transaction() as session:
        assert session.scalars(select(Consultation.reasoning)).one() == "摊贩由城管查处"
    page.goto(f"{desk.url}/review")
    expect(page.locator(".precedents")).to_contain_text("摊贩由城管查处")


def test_two_tabs_settle_a_ticket_once(desk: Served, context: BrowserContext, page: Page):
    other = opened(desk, context)
    shows(other, "T1")
    page.keyboard.press("1")
    shows(page, "T2")
    other.keyboard.press("2")
    expect(other.locator("#told")).to_contain_text("已在别处办结")
    other.get_by_role("button", name="下一件").click()
    shows(other, "T2")
    assert len(desk.rulings()) == 1


def test_lease_lost_is_told(desk: Served, page: Page):
    other = desk.user("two")
    with desk.store.transaction() as session:
        session.execute(
            update(ReviewItem)
            .where(ReviewItem.leased_by.is_not(None))
            .values(leased_by=other.id, lease_expires_at=now() + timedelta(minutes=5))
        )
    page.keyboard.press("1")
    expect(page.locator("#told")).to_contain_text("操作员two")
    assert desk.rulings() == []


def test_expired_session_keeps_the_decision_until_after_login(
    desk: Served, context: BrowserContext, page: Page
):
    with desk.store.transaction() as session:
        user = session.scalars(select(User)).one()
        session.execute(delete(UserSession))
    page.keyboard.press("1")
    page.wait_for_url("**/login?next=*")
    assert desk.rulings() == []
    context.add_cookies([desk.cookie(user)])
    page.goto(f"{desk.url}/review")
    shows(page, "T2")
    expect(page.locator("#told")).to_contain_text("已经提交")
    assert [ruling.unit for ruling in desk.rulings()] == ["cg0"]


def test_lost_network_is_told_and_retried(desk: Served, context: BrowserContext, page: Page):
    context.set_offline(True)
    page.keyboard.press("1")
    expect(page.locator("#told")).to_contain_text("网络断开")
    context.set_offline(False)
    shows(page, "T2")
    expect(page.locator("#told")).to_be_hidden()
    assert len(desk.rulings()) == 1


def test_reload_and_back_keep_the_ticket(desk: Served, page: Page):
    page.keyboard.press("1")
    shows(page, "T2")
    page.reload()
    shows(page, "T2")
    page.goto(f"{desk.url}/review/consult")
    page.go_back()
    shows(page, "T2")


def test_search_takes_a_ticket(desk: Served, page: Page):
    page.keyboard.press("f")
    page.keyboard.type("公交")
    page.locator("#found button").click()
    shows(page, "T3")


def test_hand_over(desk: Served, page: Page):
    desk.user("two")
    page.keyboard.press("t")
    page.get_by_role("button", name="操作员two").click()
    shows(page, "T2")


def test_fifty_thousand_characters_scroll(desk: Served, page: Page):
    desk.add("LONG", "雨" * 50_000, due=1)
    page.keyboard.press("1")
    shows(page, "LONG")
    box = page.locator(".ticket .text")
    assert box.evaluate("e => e.scrollHeight > e.clientHeight")
    expect(page.locator(".candidate").first).to_be_in_viewport()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the page is the same on both
@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(1280, 720, "light"), (1280, 720, "dark"), (640, 360, "light"), (390, 844, "light")],
)
@pytest.mark.parametrize("state", ["ticket", "/", "d", "c", "n", "?", "f", "consult page"])
def test_axe_finds_nothing(desk: Served, page: Page, width: int, height: int, scheme: str, state: str):
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if state == "consult page":
        page.goto(f"{desk.url}/review/consult")
    elif state != "ticket":
        page.keyboard.press(state)
    page.wait_for_timeout(600)  # colours fade for a fifth of a second, and axe would measure one in between
    found = Axe().run(page)["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
