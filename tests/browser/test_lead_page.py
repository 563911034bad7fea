"""The desk lead's page in a real browser: Debian's chromium, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete, func, select

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
from serve.store.people import AuditEntry, User
from serve.store.reviews import AutoStop, Consultation, FeedbackEvent, ReviewItem, Ruling

pytestmark = pytest.mark.browser

FAMILIES = {"cg": "城管局", "sw": "水务局", "jt": "交通局", "zj": "住建局"}
DISTRICTS = ("朝阳区", "东湖区", "西山区")
LEVELS = ("auto", "preselect", "suggest", "consult")


def make_catalog() -> Catalog:
    kind = DepartmentKind.DISTRICT_BUREAU
    places = [
        Jurisdiction(f"d{i}", name, JurisdictionLevel.DISTRICT, "c") for i, name in enumerate(DISTRICTS)
    ]
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY), *places]),
        families=[Family(name, "一项职责") for name in FAMILIES.values()],
        departments=[
            Department(f"{code}{i}", f"{name}{family}", kind, family, f"d{i}")
            for i, name in enumerate(DISTRICTS)
            for code, family in FAMILIES.items()
        ],
    )


class Scorer:
    """Holds a catalog and a policy; the desk's tickets are put into the store by hand."""

    versions = Versions("m", "c", "p")
    policy = SimpleNamespace(promised_precision=0.95)

    def __init__(self) -> None:
        self.catalog = make_catalog()

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []


def fill(store: Store) -> None:
    """Invent a morning: tickets that wait, were settled, audited, doubted and sent back."""
    chance, at = random.Random(5), now()
    with store.transaction() as session:
        people = [
            User(name=f"p{i}", display_name=name, role="operator", password_hash="-", created_at=at)
            for i, name in enumerate(("王敏", "李强", "赵雪"))
        ]
        session.add_all(people)
        session.flush()
        for number in range(360):
            code, place = chance.choice(list(FAMILIES)), chance.randrange(len(DISTRICTS))
            level = chance.choices(LEVELS, (6, 3, 3, 1))[0]
            since = at - timedelta(
                minutes=chance.choice((3, 12, 40, 90, 200, 700))
                if number % 3 == 0
                else chance.randrange(10_000)
            )
            settled = number % 3 > 0
            decision = StoredDecision(
                ticket_id=f"SH-{number:04}", revision=1, input_sha256="0" * 64, text="路口积水", answered_at=since,
                level=level, mode="direct", unit=f"{code}{place}", family=FAMILIES[code], district_code=f"d{place}",
                place_status="resolved", flags=[], degraded=False, audited=level == "auto" and number % 4 < 2, model_version="m",
                catalog_version="c", policy_version="p", answer=None,
            )  # fmt: skip
            session.add(decision)
            session.flush()
            if level == "auto" and not decision.audited:
                continue
            kinds = ["first", "second"] if settled and number % 5 == 0 else ["first"]
            for kind in kinds:
                item = ReviewItem(
                    decision_id=decision.id, kind=kind, status="settled" if settled else "waiting", created_at=since,
                    due_at=since + timedelta(minutes=60), risk=0, score=0.5, level=level, unit=decision.unit, family=decision.family,
                    district_code=f"d{place}", skipped_by=[],
                )  # fmt: skip
                session.add(item)
                session.flush()
                if settled:
                    right = chance.random() < (0.97 if level == "auto" else 0.8)
                    chosen = decision.unit if right else f"{chance.choice(list(FAMILIES))}{place}"
                    session.add(
                        Ruling(
                            item_id=item.id,
                            decision_id=decision.id,
                            user_id=chance.choice(people).id,
                            request_id=uuid4().hex,
                            mode="direct",
                            unit=chosen,
                            parts=[],
                            seconds=chance.lognormvariate(1.3, 0.6),
                            decided_at=min(at, since + timedelta(minutes=chance.randrange(1, 30))),
                        )
                    )
            if number % 12 == 0:
                session.add(
                    FeedbackEvent(
                        event_id=uuid4().hex,
                        ticket_id=decision.ticket_id,
                        kind="returned",
                        unit=decision.unit,
                        reason=chance.choice(
                            ("jurisdiction", "authority", "overlap", "overlap", "incomplete", "other")
                        ),
                        happened_at=at,
                        received_at=at,
                    )
                )
        waiting = list(session.scalars(select(ReviewItem).where(ReviewItem.status == "waiting").limit(3)))
        waiting[0].kind = "lead"
        waiting[1].leased_by, waiting[1].lease_expires_at = people[0].id, at - timedelta(minutes=1)
        waiting[2].status, waiting[2].due_at = "consulting", at - timedelta(minutes=20)
        session.add(
            Consultation(
                item_id=waiting[2].id,
                decision_id=waiting[2].decision_id,
                opened_by=people[1].id,
                question="归谁管？",
                opened_at=at - timedelta(minutes=50),
            )
        )


class Served:
    """A service that listens, and its store."""

    def __init__(self, store: Store, url: str) -> None:
        self.store, self.url = store, url

    def stops(self) -> list[AutoStop]:
        with self.store.transaction() as session:
            return list(session.scalars(select(AutoStop).order_by(AutoStop.id)))


@pytest.fixture(scope="module")
def running_page(
    shared_store: Store, tmp_path_factory: pytest.TempPathFactory, listening
) -> Iterator[Served]:
    fill(shared_store)
    settings = load_settings(
        database_url=shared_store.engine.url.render_as_string(hide_password=False),
        write_ahead_file=tmp_path_factory.mktemp("ahead") / "waiting.log",
    )
    with listening(create_app(settings, Scorer())) as url:
        yield Served(shared_store, url)


@pytest.fixture
def served(running_page: Served) -> Iterator[Served]:
    """The figures are one morning's for all tests; what a test stopped runs again after it."""
    yield running_page
    with running_page.store.transaction() as session:
        session.execute(delete(AutoStop))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
    yield context
    context.close()


@pytest.fixture
def sign_in(served: Served, context: BrowserContext, cookie_of) -> Callable[[str], str]:
    """Return a function that signs a new person of a role in, and gives their name."""

    def enter(role: str) -> str:
        name = f"{role}-{uuid4().hex[:8]}"
        context.add_cookies([cookie_of(served.store, served.url, name, role)])
        return name

    return enter


def opened(served: Served, context: BrowserContext) -> Page:
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
    page.goto(f"{served.url}/desk?period=week")
    expect(page.locator("[data-chart] canvas")).to_have_count(5)
    return page


@pytest.fixture
def name(sign_in) -> str:
    return sign_in("lead")


@pytest.fixture
def page(served: Served, context: BrowserContext, name: str) -> Page:
    return opened(served, context)


def test_charts_are_drawn_within_the_security_policy(page: Page):
    painted = page.evaluate(
        """() => Array.from(document.querySelectorAll("[data-chart] canvas"), (canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        })"""
    )
    assert all(colors > 5 for colors in painted), painted
    page.locator('[data-chart="audits"]').hover()
    page.wait_for_timeout(200)
    assert page.faults == []  # type: ignore[attr-defined]


def test_each_chart_has_its_numbers_in_a_table(page: Page):
    for name in ("waiting", "flow", "taken", "audits", "returns"):
        card = page.locator(f'.card:has([data-chart="{name}"])')
        assert card.locator("table tbody tr").count() > 0


def test_one_unit_is_stopped_and_let_go_by_keyboard_alone(served: Served, page: Page, name: str):
    page.get_by_role("button", name="停一家单位").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the picker opens
    expect(page.locator("#picker-list li").first).to_be_visible()
    page.keyboard.type("cyqcgj")
    expect(page.locator("#picker-list li")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#throw-reason")).to_be_focused()
    page.keyboard.type("抽检连续有误")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#stops-title")).to_contain_text("1 家单位已停止")
    expect(page.locator(".stopped-units")).to_contain_text("抽检连续有误")
    expect(page.locator(".stopped-units")).to_contain_text(f"人员{name}")
    assert [(stop.unit, stop.lifted_at) for stop in served.stops()] == [("cg0", None)]
    page.get_by_role("button", name="恢复朝阳区城管局的自动派单").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("已更正目录")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#stops-title")).to_contain_text("运行中")
    assert served.stops()[0].lift_reason == "已更正目录"
    assert page.faults == []  # type: ignore[attr-defined]


def test_all_is_stopped_once_under_a_double_click_and_only_with_a_reason(
    served: Served, page: Page, name: str
):
    page.get_by_role("button", name="全部停止").click()
    confirm = page.get_by_role("button", name="确认全部停止")
    confirm.click()
    expect(page.locator("#throw .fault")).to_have_text("请写明原因。")
    page.locator("#throw-reason").fill("系统维护")
    confirm.dblclick()
    expect(page.locator("#stops-title")).to_contain_text("已全部停止")
    assert [stop.unit for stop in served.stops()] == [None]
    with served.store.transaction() as session:
        stops = select(func.count()).where(
            AuditEntry.action == "auto.stop", AuditEntry.actor == f"user:{name}"
        )
        assert session.scalar(stops) == 1


def test_refresh_keeps_what_is_open(page: Page):
    page.locator("#flow-table summary").click()
    page.get_by_role("button", name="刷新").click()
    expect(page.locator("#status")).to_have_text("数字已更新")
    expect(page.locator("#flow-table table")).to_be_visible()
    expect(page.locator("[data-chart] canvas")).to_have_count(5)


def test_a_disagreement_is_taken_to_the_desk(page: Page):
    page.get_by_role("button", name="去裁定").click()
    page.wait_for_url("**/review")
    expect(page.locator(".ticket .tag.strong").first).to_have_text("两人意见不一")


def test_analysts_read_only(served: Served, context: BrowserContext, sign_in):
    sign_in("analyst")
    page = opened(served, context)
    expect(page.get_by_role("button", name="停一家单位")).to_have_count(0)
    expect(page.get_by_role("button", name="接手")).to_have_count(0)
    assert page.faults == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("shared_store", ["sqlite"], indirect=True)  # the page is the same on both
def test_axe_finds_nothing(page: Page, seen):
    page.get_by_role("button", name="停一家单位").click()
    seen(page)
    page.get_by_role("button", name="取消").click()
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    seen(page)


@pytest.mark.parametrize("shared_store", ["sqlite"], indirect=True)
def test_operators_are_told_that_it_is_not_for_them(served: Served, context: BrowserContext, sign_in):
    sign_in("operator")
    page = context.new_page()
    response = page.goto(f"{served.url}/desk")
    assert response is not None
    assert response.status == 403
    expect(page.get_by_role("heading", name="您的账号不能查看这一页")).to_be_visible()
