"""A stub in place of the model, and clients that talk to the application without a network."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.orm import Session

from data.catalog.entries import Department, DepartmentKind, DispatchMode
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import (
    Candidate,
    Decision,
    Flag,
    Level,
    PlacedJurisdiction,
    PlaceStatus,
    Reason,
    ReasonKind,
    Role,
    ScoredCategory,
    Span,
    Versions,
)
from serve.app import create_app
from serve.settings import ServeSettings, load_settings
from serve.store.base import now
from serve.store.reviews import ReviewItem, Ruling
from serve.store.write_ahead import WriteAheadFile

CITY = Jurisdiction("c", "山海市", JurisdictionLevel.CITY)
DISTRICT = Jurisdiction("d", "东湖区", JurisdictionLevel.DISTRICT, "c")
VERSIONS = Versions("model-1", "catalog-1", "policy-1")


def decide(ticket: Ticket, top_k: int = 3, *, degraded: bool = False) -> Decision:
    """Give a decision with everything in it; the place is found if the text names it."""
    start = ticket.text.find("东湖区")
    spans = (Span(start, start + 3, "东湖区"),) if start >= 0 else ()
    units = [
        Department(f"u{i}", f"单位{i}", DepartmentKind.DISTRICT_BUREAU, "城管局", "d") for i in range(top_k)
    ]
    lead = [
        Candidate(
            unit,
            Role.LEAD,
            (CITY, DISTRICT),
            0.123456789 / (i + 1),
            (Reason(ReasonKind.PLACE, "诉求发生在东湖区", spans),) if i == 0 else (),
        )
        for i, unit in enumerate(units)
    ]
    town = Department("t", "东湖街道办事处", DepartmentKind.SUBDISTRICT_OFFICE, "街镇", "d")
    assisting = Candidate(town, Role.ASSISTING, (CITY, DISTRICT), None)
    if spans:
        place = PlacedJurisdiction(PlaceStatus.RESOLVED, DISTRICT, (CITY, DISTRICT), 0.9, spans)
    else:
        place = PlacedJurisdiction(PlaceStatus.AMBIGUOUS, None, (CITY,), 0.5, (), (DISTRICT,))
    return Decision(
        ticket.ticket_id,
        Level.SUGGEST,
        DispatchMode.DUAL,
        (*lead, assisting),
        ScoredCategory("k", "占道经营", 0.8, 40),
        place,
        (Flag.DANGER,) if "燃气" in ticket.text else (),
        degraded,
        VERSIONS,
    )


class StubScorer:
    """Answers at once; `gate` holds it up, a text with `poison` in it makes the batch fail."""

    versions = VERSIONS

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.drop_last = False

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        self.batches.append(([ticket.ticket_id for ticket in tickets], top_k))
        self.entered.set()
        assert self.gate.wait(20)
        if any("poison" in ticket.text for ticket in tickets):
            raise RuntimeError("canary: " + tickets[0].text)
        decisions = [decide(ticket, top_k) for ticket in tickets]
        return decisions[:-1] if self.drop_last else decisions

    @property
    def scored_ids(self) -> list[str]:
        """Return the ids scored so far, without those of the warm-up."""
        return [i for ids, _ in self.batches for i in ids if not i.startswith("warm-up")]


class StubWithFallback(StubScorer):
    """A stub with rules to fall back on."""

    def fallback(self, ticket: Ticket) -> Decision:
        return decide(ticket, degraded=True)


def settle(
    session: Session,
    decision: int,
    user: int,
    unit: str | None,
    *,
    kind: str = "first",
    level: str = "suggest",
    at: datetime | None = None,
    undone: bool = False,
) -> None:
    """Add a settled item of a decision, and the ruling of a person that settled it."""
    at = at or now()
    item = ReviewItem(
        decision_id=decision, kind=kind, status="settled", created_at=at, due_at=at, risk=0, score=0.5,
        level=level, skipped_by=[],
    )  # fmt: skip
    session.add(item)
    session.flush()
    session.add(
        Ruling(
            item_id=item.id, decision_id=decision, user_id=user, request_id=f"request-{item.id}", mode="direct",
            unit=unit, parts=[], seconds=1.0, decided_at=at, undone_at=at if undone else None,
        )
    )  # fmt: skip


Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Hash passwords in no time, and not in the eighth of a second that keeps guessers busy."""
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serve.security.accounts._hasher", lambda: hasher)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PAIDAN_") and name != "PAIDAN_DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def make_settings() -> Callable[..., ServeSettings]:
    return load_settings


@pytest.fixture
def decision_on() -> Callable[..., Decision]:
    return decide


@pytest.fixture
def settled() -> Callable[..., None]:
    return settle


@pytest.fixture
def scorer() -> StubScorer:
    return StubScorer()


@pytest.fixture
def scorer_with_fallback() -> StubWithFallback:
    return StubWithFallback()


@pytest.fixture
def connect() -> Connect:
    """Return `connect(scorer, **settings)`: a running application, and a client of it."""

    @asynccontextmanager
    async def connected(stub: StubScorer, **options: object) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(load_settings(**options), stub)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            yield client

    return connected


@pytest.fixture
async def client(connect: Connect, scorer: StubScorer) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(scorer) as connected:
        yield connected


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[WriteAheadFile]:
    """Give an empty file for decisions that wait."""
    file = WriteAheadFile(tmp_path / "waiting.log", 1_000_000)
    yield file
    file.close()
