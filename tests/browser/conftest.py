"""A real browser, and applications that listen for it: one of a kind for all tests of a module."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import uvicorn
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.app import create_app
from serve.settings import load_settings
from serve.store.base import Base, now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import AuditEntry, User, UserSession
from serve.store.reviews import ReviewItem, Ruling
from serve.store.schema import upgrade

SIZES = {"desk": (1280, 720), "zoomed to 200%": (640, 360), "phone": (390, 844)}
"""Width and height in CSS pixels."""

_SIGHT = [
    "color-contrast",
    "scrollable-region-focusable",
    "label",
    "link-in-text-block",
]
"""What axe finds otherwise in the dark, or where there is less room; the rest is the same everywhere."""


@contextmanager
def listen(app: object) -> Iterator[str]:
    """Let an application listen, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the application did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def sign_in(store: Store, url: str, user: User) -> dict[str, str]:
    """Begin a session of a person: the cookie for an address."""
    token = uuid4().hex
    with store.transaction() as session:
        session.add(
            UserSession(
                user_id=user.id, token_sha256=hashlib.sha256(token.encode()).hexdigest(), csrf_token=uuid4().hex,
                created_at=now(), last_seen_at=now(), expires_at=now() + timedelta(hours=1),
            )
        )  # fmt: skip
    return {"name": "paidan_session", "value": token, "url": url}


def add_person(store: Store, name: str, role: str) -> User:
    """Add a person of a role."""
    user = User(
        name=name, display_name=f"人员{name}", role=role, password_hash="-", failed_attempts=0, created_at=now()
    )  # fmt: skip
    with store.transaction() as session:
        session.add(user)
    return user


def empty(store: Store) -> None:
    """Take everything out of a store but the audit log, which nothing can be taken out of."""
    with store.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != AuditEntry.__tablename__:
                session.execute(table.delete())


def watched(page: Page) -> Page:
    """Keep in `page.faults` what goes wrong in a page's scripts."""
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    return page


@pytest.fixture(scope="session")
def listening() -> Callable[[object], AbstractContextManager[str]]:
    """Return `listen`."""
    return listen


@pytest.fixture
def cookie_of() -> Callable[[Store, str, str, str], dict[str, str]]:
    """Return a function that makes a person of a role in a store, signed in: the cookie for an address."""
    return lambda store, url, name, role: sign_in(store, url, add_person(store, name, role))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for all tests of a module, once on each database: `empty` it between them."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'paidan.db'}"
    else:
        import psycopg

        first: str = request.getfixturevalue("postgresql_url")
        name = f"test_{uuid4().hex}"
        with psycopg.connect(first.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = first.replace("/postgres?", f"/{name}?")
    opened = Store.open(url)
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def seen() -> Callable[[Page], None]:
    """Return a function that holds a page against axe-core, in light and dark, at a desk, zoomed and on a phone."""

    def check(page: Page) -> None:
        page.emulate_media(reduced_motion="reduce")  # colours would fade, and axe measure one in between
        page.evaluate(Axe().axe_script)
        found = []
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark") if size == "desk" else ("light",):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                options: dict[str, object] = {"resultTypes": ["violations"]}
                if (size, scheme) != ("desk", "light"):
                    options["runOnly"] = {"type": "rule", "values": _SIGHT}
                for violation in page.evaluate("options => axe.run(options)", options)["violations"]:
                    found.append(
                        (size, scheme, violation["id"], [n["html"][:160] for n in violation["nodes"]])
                    )
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append((size, "", "scrolls sideways", []))
        page.set_viewport_size({"width": 1280, "height": 720})
        page.emulate_media(color_scheme="light")
        assert found == []

    return check


READ = 300
"""Milliseconds: the page takes no key before a person can have read the ticket."""


class DeskScorer:
    """Holds the catalog; the desk's tickets are put into the store by hand."""

    versions = Versions("m", "c", "p")

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return []


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return a catalog of five thousand units."""
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


def candidate(catalog: Catalog, code: str, score: float, reasons: Sequence[object] = ()) -> dict[str, object]:
    """Return a candidate as answers hold it."""
    return {
        "department": {"code": code, "name": catalog.departments[code].name, "kind": "district_bureau"},
        "role": "lead", "jurisdiction": {"code": "d0", "name": "朝阳区", "path": ["山海市", "朝阳区"]}, "score": score,
        "reasons": list(reasons),
    }  # fmt: skip


class ServedDesk:
    """A desk that listens, with a queue of three tickets and one operator."""

    def __init__(self, store: Store, scorer: DeskScorer, url: str) -> None:
        self.store, self.scorer, self.url = store, scorer, url

    def add(
        self,
        ticket_id: str,
        text: str,
        due: int = 60,
        demands: Sequence[tuple[str, Sequence[str]]] = (),
        **more: object,
    ) -> int:
        """Put a ticket into the queue; `demands` are pieces of its text, each with the codes of its units."""
        at, catalog = text.find("门前"), self.scorer.catalog
        reasons = [{"kind": "words", "text": "占道经营", "spans": [{"start": 0, "end": 2, "text": text[:2]}]}]
        answer = {
            "candidates": [
                candidate(catalog, code, score, reasons if score > 0.5 else ())
                for code, score in (("cg0", 0.7123), ("sw0", 0.2), ("jt0", 0.05))
            ],
            "jurisdiction": {
                "status": "resolved", "code": "d0", "path": ["山海市", "朝阳区"], "score": 0.9, "options": [],
                "evidence": [{"start": at, "end": at + 2, "text": "门前"}] if at >= 0 else [],
            },
            "issue_category": None,
            "demands": [
                {
                    "span": {"start": text.index(piece), "end": text.index(piece) + len(piece), "text": piece},
                    "candidates": [candidate(catalog, code, 0.8 / (rank + 1)) for rank, code in enumerate(codes)],
                }
                for piece, codes in demands
            ],
        }  # fmt: skip
        columns: dict[str, object] = {"level": "suggest", "channel": "电话"} | more
        with self.store.transaction() as session:
            decision = StoredDecision(
                ticket_id=ticket_id, revision=1, input_sha256="0" * 64, text=text, answered_at=now(), mode="direct",
                unit="cg0", family="城管局", score=0.7123, place_status="resolved", jurisdiction="d0", flags=["urgent"],
                degraded=False, audited=False, model_version="m", catalog_version="c", policy_version="p", answer=answer,
                **columns,
            )  # fmt: skip
            session.add(decision)
            session.flush()
            item = ReviewItem(
                decision_id=decision.id, kind="first", status="waiting", created_at=now(),
                due_at=now() + timedelta(minutes=due), risk=1, score=0.7123, level=decision.level, family="城管局",
                district_code="d0", channel=decision.channel, skipped_by=[],
            )  # fmt: skip
            session.add(item)
            session.flush()
            return item.id

    def cookie(self, name: str, role: str = "operator") -> dict[str, str]:
        """Add a person, signed in."""
        return sign_in(self.store, self.url, add_person(self.store, name, role))

    def cookie_for(self, user: User) -> dict[str, str]:
        """Sign a person in again."""
        return sign_in(self.store, self.url, user)

    def rulings(self) -> list[Ruling]:
        """Return what was ruled, oldest first."""
        with self.store.transaction() as session:
            return list(session.scalars(select(Ruling).order_by(Ruling.id)))

    def open(self, context: BrowserContext) -> Page:
        """Open the desk in a new tab, and wait until its ticket can have been read."""
        page = watched(context.new_page())
        page.goto(f"{self.url}/review")
        page.wait_for_timeout(READ)
        return page


@pytest.fixture(scope="module")
def running_desk(
    shared_store: Store, tmp_path_factory: pytest.TempPathFactory, catalog: Catalog
) -> Iterator[ServedDesk]:
    """Return the desk that listens for all tests of a module."""
    settings = load_settings(
        database_url=shared_store.engine.url.render_as_string(hide_password=False), second_opinion_share=0.0,
        write_ahead_file=tmp_path_factory.mktemp("ahead") / "waiting.log",
    )  # fmt: skip
    scorer = DeskScorer(catalog)
    with listen(create_app(settings, scorer)) as url:
        yield ServedDesk(shared_store, scorer, url)


@pytest.fixture
def desk(running_desk: ServedDesk, catalog: Catalog) -> ServedDesk:
    """Return the desk with three new tickets."""
    empty(running_desk.store)
    running_desk.scorer.catalog = catalog
    running_desk.add("T1", "门前有摊贩占道经营，请处理。<b>粗</b><script>alert(1)</script>", due=30)
    running_desk.add("T2", "路口积水多日没有退。", due=90)
    running_desk.add("T3", "公交车等了很久。", due=200)
    return running_desk


@pytest.fixture
def context(desk: ServedDesk, browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser with an operator signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
    context.add_cookies([desk.cookie("one")])
    yield context
    context.close()


@pytest.fixture
def page(desk: ServedDesk, context: BrowserContext) -> Iterator[Page]:
    """Return the desk's page; nothing may go wrong in its scripts."""
    page = desk.open(context)
    yield page
    assert page.faults == []  # type: ignore[attr-defined]


@pytest.fixture
def shows() -> Callable[[Page, str], None]:
    """Return a function that waits until a ticket is on the page, and can have been read."""

    def wait(page: Page, ticket_id: str) -> None:
        expect(page.locator(f'.ticket[data-ticket="{ticket_id}"]')).to_be_visible()
        page.wait_for_timeout(READ)

    return wait


@pytest.fixture
def choose() -> Callable[[Page, str], None]:
    """Return a function that types into the open catalog and takes what comes first."""

    def take(page: Page, typed: str) -> None:
        page.locator("#picker-input").fill(typed)
        expect(page.locator("#picker-list li")).to_have_count(1)
        page.keyboard.press("Enter")

    return take


@pytest.fixture
def consulted(desk, page: Page, shows, choose) -> None:
    """Ask a unit about T1, the ticket on the page, and open the page of consultations."""
    page.keyboard.press("c")
    page.locator('#consult [data-add="units"]').click()
    choose(page, "dhqsw")
    page.locator("#consult-question").fill("这里归谁管？")
    page.get_by_role("button", name="发起会商").click()
    shows(page, "T2")
    page.goto(f"{desk.url}/review/consult")
