from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from data.tickets.ticket import Ticket
from serve.errors import QueueFull
from serve.similar.asking import SimilarQueries
from serve.similar.index import SimilarTicket, SimilarTickets
from serve.similar.routes import beside_template
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recorded import row_of
from serve.store.retention import purge
from serve.store.reviews import Ruling
from serve.store.vectors import TicketVector

WORDS = ("停水", "噪音", "路灯", "公交")


class Encoder:
    """Vectors that count a few words, and how often they were asked for."""

    def __init__(self) -> None:
        self.version = "one"
        self.encoded: list[str] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        return np.array([[text.count(word) + 0.01 for word in WORDS] for text in texts], dtype=np.float32)


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture
def index(store: Store, encoder: Encoder) -> SimilarTickets:
    return SimilarTickets(store, encoder, lambda: encoder.version, most=100)


@pytest.fixture
def settle(store: Store, decision_on, settled):
    """Return a function that stores a ticket and a ruling on it; give the decision's id."""
    with store.transaction() as session:
        user = User(
            name="li",
            display_name="李",
            role="operator",
            password_hash="-",
            failed_attempts=0,
            created_at=now(),
        )
        session.add(user)
        session.flush()
        user_id = user.id

    def store_ticket(
        ticket_id: str, text: str, unit: str | None = "u1", kind: str = "first", undone: bool = False
    ) -> int:
        ticket = Ticket(ticket_id, text)
        with store.transaction() as session:
            decision = StoredDecision(
                **row_of(ticket, decision_on(ticket), None, now(), audited=False), revision=1
            )
            session.add(decision)
            session.flush()
            settled(session, decision.id, user_id, unit, kind=kind, undone=undone)
            return decision.id

    return store_ticket


def _ids(index: SimilarTickets, text: str, without: str | None = None) -> list[str]:
    return [ticket.ticket_id for ticket in index.nearest(text, without=without)]


def test_the_closest_come_first_and_tell_the_unit(index: SimilarTickets, settle) -> None:
    settle("water", "小区停水停水两天", unit="u7")
    settle("both", "停水，还有噪音")
    settle("noise", "工地噪音")
    index.refresh(10)
    found = index.nearest("停水没人管")
    assert [ticket.ticket_id for ticket in found] == ["water", "both"]
    assert (found[0].unit, found[0].text) == ("u7", "小区停水停水两天")


def test_there_are_at_most_three(index: SimilarTickets, settle) -> None:
    for number in range(5):
        settle(f"t{number}", "停水")
    index.refresh(10)
    assert len(_ids(index, "停水")) == 3


def test_a_ticket_is_not_similar_to_itself(index: SimilarTickets, settle) -> None:
    settle("t1", "停水")
    settle("t2", "停水两天")
    index.refresh(10)
    assert _ids(index, "停水", without="t1") == ["t2"]


def test_numbers_of_people_are_masked_and_long_texts_cut(index: SimilarTickets, settle) -> None:
    settle("t1", "停水，电话13800138000，" + "很久" * 100)
    index.refresh(10)
    [found] = index.nearest("停水")
    assert "13800138000" not in found.text
    assert found.text.endswith("…")


@pytest.mark.parametrize("how", [{"undone": True}, {"kind": "second"}, {"unit": None}])
def test_only_rulings_that_dispatched_count(index: SimilarTickets, settle, how) -> None:
    settle("t1", "停水", **how)
    assert index.refresh(10) == 0
    assert _ids(index, "停水") == []


def test_a_ruling_undone_later_is_not_shown(index: SimilarTickets, settle, store: Store) -> None:
    decision_id = settle("t1", "停水")
    index.refresh(10)
    with store.transaction() as session:
        for ruling in session.query(Ruling).filter_by(decision_id=decision_id):
            ruling.undone_at = now()
    assert _ids(index, "停水") == []


def test_a_purged_ticket_loses_its_vector(index: SimilarTickets, settle, store: Store) -> None:
    decision_id = settle("t1", "停水")
    index.refresh(10)
    with store.transaction() as session:
        session.get_one(StoredDecision, decision_id).answered_at = now() - timedelta(days=9)
    purge(store, 5)
    with store.transaction() as session:
        assert session.get(TicketVector, decision_id) is None
    assert _ids(index, "停水") == []
    index.refresh(10)
    assert len(index) == 0


def test_a_service_that_starts_finds_its_vectors_in_the_store(
    index: SimilarTickets, settle, store: Store
) -> None:
    settle("t1", "停水")
    index.refresh(10)
    again = Encoder()
    other = SimilarTickets(store, again, lambda: "one", most=100)
    assert other.refresh(10) == 0
    assert again.encoded == []
    assert _ids(other, "停水") == ["t1"]


def test_another_model_makes_its_own_vectors(index: SimilarTickets, settle, encoder: Encoder) -> None:
    settle("t1", "停水")
    index.refresh(10)
    encoder.version = "two"
    assert _ids(index, "停水") == []
    assert index.refresh(10) == 1
    assert _ids(index, "停水") == ["t1"]


def test_the_latest_are_kept(store: Store, encoder: Encoder, settle) -> None:
    index = SimilarTickets(store, encoder, lambda: "one", most=2)
    for number in range(4):
        settle(f"t{number}", "停水")
        index.refresh(10)
    assert len(index) == 2
    assert sorted(_ids(index, "停水")) == ["t2", "t3"]
    with store.transaction() as session:
        assert session.query(TicketVector).count() == 2


@pytest.mark.anyio
async def test_the_endpoint_answers_with_what_is_known(connect, scorer, tmp_path) -> None:
    scorer.vectors = Encoder()
    async with connect(scorer, database_url=f"sqlite:///{tmp_path / 'p.db'}") as client:
        answer = await client.post("/v1/similar", json={"text": "停水"})
        assert (answer.status_code, answer.json()) == (200, {"tickets": []})
        refused = await client.post("/v1/similar", json={"text": ""})
        assert refused.status_code == 422


@pytest.mark.anyio
async def test_no_free_connection_is_told_as_not_ready(
    connect, scorer, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait_in_vain(*_: object, **__: object) -> None:
        raise NoFreeConnection

    scorer.vectors = Encoder()
    async with connect(scorer, database_url=f"sqlite:///{tmp_path / 'p.db'}") as client:
        monkeypatch.setattr(SimilarQueries, "nearest", wait_in_vain)
        assert (await client.post("/v1/similar", json={"text": "停水"})).status_code == 503


@pytest.mark.anyio
async def test_without_a_store_there_is_nothing_to_ask(connect, scorer) -> None:
    async with connect(scorer) as client:
        answer = await client.post("/v1/similar", json={"text": "停水"})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem-type:paidan:similar-off")


@pytest.mark.anyio
async def test_only_so_many_may_wait(index: SimilarTickets) -> None:
    queries = SimilarQueries(index)
    blocked = threading.Event()
    queries._worker.submit(blocked.wait)
    asked = [asyncio.ensure_future(queries.nearest("停水")) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await queries.nearest("停水")
    blocked.set()
    assert await asyncio.gather(*asked) == [[]] * 16
    queries.close()


def test_operators_see_them_beside_the_ticket() -> None:
    shown = beside_template().render(tickets=[(SimilarTicket("t1", "停水<b>", "u1", now()), "水务局")])
    assert "停水&lt;b&gt; → <strong>水务局</strong>" in shown
    assert not beside_template().render(tickets=[]).strip()
