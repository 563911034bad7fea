"""Passwords, accounts, the audit log and the export in a real browser: Debian's chromium."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.columns import ColumnMapping
from data.tickets.reading import iter_tickets
from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.app import create_app
from serve.security.accounts import Accounts
from serve.security.roles import Role
from serve.settings import load_settings
from serve.store.base import Base, now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import AuditEntry
from serve.store.reviews import ReviewItem, Ruling

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PAGES = ("/password", "/admin/users", "/admin/audit", "/review/export")


class Scorer:
    """Holds a catalog; nothing is scored."""

    versions = Versions("m", "c", "p")
    catalog = Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY)]),
        families=[Family("水务局", "供水")],
        departments=[Department("sw", "山海市水务局", DepartmentKind.CITY_DEPARTMENT, "水务局", "c")],
    )

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The pages are the same on both databases; what they call is tested on both in tests/serve."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('people') / 'paidan.db'}")
    Base.metadata.create_all(opened.engine)
    accounts = Accounts(opened, session_hours=10)
    for role in Role:
        accounts.add(role.value, PASSWORD, role, by="cli", display_name=f"某{role.value}")
    add_ruling(opened)
    yield opened
    opened.close()


def add_ruling(store: Store) -> None:
    with store.transaction() as session:
        decision = StoredDecision(
            ticket_id="T1", revision=1, input_sha256="0" * 64, text="=1+1门前积水", answered_at=now(), level="suggest",
            mode="direct", unit="sw", family="水务局", score=0.5, place_status="missing", flags=[], degraded=False,
            audited=False, model_version="m", catalog_version="c", policy_version="p", answer=None,
        )  # fmt: skip
        session.add(decision)
        session.flush()
        item = ReviewItem(
            decision_id=decision.id, kind="first", status="settled", created_at=now(), due_at=now(), risk=0, score=0.5,
            level="suggest", skipped_by=[],
        )  # fmt: skip
        session.add(item)
        session.flush()
        parts = [{"lead": "sw", "assisting": [], "jurisdiction": None, "start": None, "end": None}]
        ruling = Ruling(
            item_id=item.id, decision_id=decision.id, user_id=1, request_id="request-1", mode="direct", unit="sw",
            parts=parts, rank=1, note=None, seconds=1.0, decided_at=now(),
        )  # fmt: skip
        session.add(ruling)


@pytest.fixture(scope="module")
def url(store: Store, tmp_path_factory: pytest.TempPathFactory, listening) -> Iterator[str]:
    from serve.store import keeper

    patch = pytest.MonkeyPatch()
    patch.setattr(keeper, "upgrade", lambda store: None)  # the tables are there
    settings = load_settings(
        database_url=str(store.engine.url), write_ahead_file=tmp_path_factory.mktemp("ahead") / "waiting.log"
    )
    with listening(create_app(settings, Scorer())) as address:
        yield address
    patch.undo()


def signed_in(browser: Browser, url: str, name: str, password: str = PASSWORD) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN").new_page()
    page.goto(f"{url}/login?next=/password")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_load_state()
    return page


@pytest.fixture
def admin(browser: Browser, url: str) -> Iterator[Page]:
    page = signed_in(browser, url, "admin")
    yield page
    page.context.close()


def add_account(admin: Page, url: str, name: str) -> str:
    admin.goto(f"{url}/admin/users")
    admin.get_by_label("用户名").fill(name)
    admin.get_by_label("姓名").fill("新来的")
    admin.get_by_role("button", name="添加").click()
    told = admin.get_by_role("status").inner_text()
    return told.split("首次密码：")[1].split("（")[0]


def change(page: Page, old: str, new: str, again: str | None = None) -> None:
    page.get_by_label("原密码").fill(old)
    page.get_by_label("新密码").fill(new)
    page.get_by_label("再输一次").fill(again or new)
    page.get_by_role("button", name="更改").click()
    page.wait_for_load_state()


def test_an_account_is_made_and_its_person_chooses_a_password(browser: Browser, url: str, admin: Page):
    first = add_account(admin, url, "newcomer")
    here, elsewhere = (signed_in(browser, url, "newcomer", first) for _ in range(2))
    change(here, first, "a better password")
    expect(here.get_by_role("status")).to_contain_text("密码已更改")
    here.reload()
    expect(here.get_by_label("原密码")).to_be_visible()
    elsewhere.goto(f"{url}/password")
    assert "/login" in elsewhere.url
    for page in (here, elsewhere):
        page.context.close()


def test_wrong_old_password_changes_nothing(browser: Browser, url: str, admin: Page):
    first = add_account(admin, url, "mistaken")
    page = signed_in(browser, url, "mistaken", first)
    change(page, "no such password", "a better password")
    expect(page.get_by_role("alert")).to_contain_text("原密码不对")
    change(page, first, "a better password", "another password")
    expect(page.get_by_role("alert")).to_contain_text("不一样")
    page.context.close()


def test_role_disabling_and_reset(browser: Browser, url: str, admin: Page):
    first = add_account(admin, url, "someone")
    admin.get_by_label("someone的角色").select_option("lead")
    admin.get_by_role("row", name="someone").get_by_role("button", name="更改").click()
    expect(admin.get_by_role("status")).to_contain_text("someone 现在是班长")
    admin.get_by_role("button", name="停用someone").click()
    expect(admin.get_by_role("status")).to_contain_text("已停用")
    page = signed_in(browser, url, "someone", first)
    expect(page.get_by_role("alert")).to_contain_text("不对")
    page.context.close()
    admin.get_by_role("button", name="启用someone").click()
    admin.get_by_role("button", name="重置someone的密码").click()
    expect(admin.get_by_role("status")).to_contain_text("新密码")


def test_audit_log_is_filtered_and_paged(url: str, admin: Page, store: Store):
    with store.transaction() as session:
        session.add_all(
            AuditEntry(
                at=now(), actor="key:hotline", action="test.noise", subject=f"ticket:{i}", details={"rank": i}
            )
            for i in range(60)
        )
    admin.goto(f"{url}/admin/audit")
    admin.get_by_label("何人").fill("key:hotline")
    admin.get_by_label("操作").fill("test.")
    admin.get_by_role("button", name="查找").click()
    expect(admin.locator("tbody tr")).to_have_count(50)
    admin.get_by_role("link", name="更早的").click()
    expect(admin.locator("tbody tr")).to_have_count(10)
    expect(admin.locator("tbody tr").last).to_contain_text("rank=0")


def test_export_is_downloaded_and_audited(browser: Browser, url: str, store: Store, tmp_path: Path):
    page = signed_in(browser, url, "analyst")
    page.goto(f"{url}/review/export")
    page.get_by_label("从（裁定日期）").fill("2026-01-01")
    page.get_by_role("button", name="统计").click()
    expect(page.locator("main")).to_contain_text("可导出 1 行")
    page.get_by_label("格式").select_option("jsonl")
    with page.expect_download() as started:
        page.get_by_role("button", name="下载").click()
    started.value.save_as(tmp_path / "reviewed.jsonl")
    (ticket,) = iter_tickets(tmp_path / "reviewed.jsonl", ColumnMapping.identity())
    assert isinstance(ticket, Ticket)
    assert (ticket.text, ticket.department) == ("=1+1门前积水", "sw")
    with store.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "export.reviewed")).one()
    assert (entry.actor, entry.details["rows"]) == ("user:analyst", 1)
    page.context.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("operator", "/review/export"),
        ("operator", "/admin/users"),
        ("lead", "/admin/audit"),
        ("analyst", "/admin/users"),
    ],
)
def test_others_are_kept_out(browser: Browser, url: str, name: str, path: str):
    page = signed_in(browser, url, name)
    answer = page.goto(f"{url}{path}")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", name="您的账号不能查看这一页")).to_be_visible()
    page.context.close()


def test_axe_finds_nothing(url: str, admin: Page, seen):
    for path in PAGES:
        admin.goto(f"{url}{path}")
        seen(admin)


def test_axe_finds_nothing_before_somebody_signs_in(browser: Browser, url: str, seen):
    page = browser.new_page(locale="zh-CN")
    for path in ("/login", "/"):
        page.goto(f"{url}{path}")
        seen(page)
    expect(page.get_by_role("link", name="登录")).to_be_visible()
    page.close()
