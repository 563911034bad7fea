"""What the store remembers of decisions, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from data.tickets.ticket import Ticket
from model.decision import Level
from serve.api.answers import decision_bytes
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recorded import RecordedDecision, decision_of, row_of
from serve.store.recording import RecordingScorer
from serve.store.retention import purge
from serve.store.reviews import AutoStop, ReviewItem
from serve.store.write_ahead import WriteAheadFile

ALL, NONE = Dispatching(1.0, 1, 60, 5), Dispatching(0.0, 1, 60, 5)


class Scorer:
    """Answers as the stub does, at a level that the test chooses, and counts what it scored."""

    def __init__(self, decide, level: Level = Level.SUGGEST) -> None:
        self._decide = decide
        self.level = level
        self.scored: list[str] = []
        self.versions = decide(Ticket("v", "停水")).versions

    def score(self, tickets, *, top_k=3):
        self.scored += [ticket.ticket_id for ticket in tickets]
        return [replace(self._decide(ticket, top_k), level=self.level) for ticket in tickets]

    def fallback(self, ticket):
        return self._decide(ticket, degraded=True)


@pytest.fixture
def recording(store: Store, waiting: WriteAheadFile, decision_on) -> RecordingScorer:
    return RecordingScorer(Scorer(decision_on), store, waiting, NONE)


def _rows(store: Store) -> list[StoredDecision]:
    with store.transaction() as session:
        return list(session.scalars(select(StoredDecision).order_by(StoredDecision.id)))


def _items(store: Store) -> list[tuple[int, str]]:
    with store.transaction() as session:
        return [
            (i.decision_id, i.status) for i in session.scalars(select(ReviewItem).order_by(ReviewItem.id))
        ]


def _break(store: Store) -> None:
    """Take the tables away: every statement fails from now on."""
    from serve.store.base import Base

    Base.metadata.drop_all(store.engine)


def _mend(store: Store) -> None:
    from serve.store.base import Base

    Base.metadata.create_all(store.engine)


def test_an_answer_is_stored_before_it_is_given(recording: RecordingScorer, store: Store) -> None:
    (decision,) = recording.score([Ticket("a", "东湖区停水")])
    assert decision.stored
    (row,) = _rows(store)
    assert (row.ticket_id, row.revision, row.text, row.level) == ("a", 1, "东湖区停水", "suggest")
    assert (row.unit, row.family, row.score, row.model_version) == ("u0", "城管局", 0.123456789, "model-1")


def test_no_free_connection_is_a_store_that_is_down(
    store: Store, waiting: WriteAheadFile, decision_on
) -> None:
    engine = create_engine(store.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    narrow = Store(engine)
    recording = RecordingScorer(Scorer(decision_on, Level.AUTO), narrow, waiting, NONE)
    with engine.connect():
        recording._active_stops()  # asked for each automatic decision
        assert recording.down
        recording.down = False
        (decision,) = recording.score([Ticket("a", "东湖区停水")])
        assert (decision.stored, recording.down, recording.backlog) == (False, True, 1)
    assert recording.catch_up()
    assert [row.ticket_id for row in _rows(store)] == ["a"]
    narrow.close()


def test_a_stored_answer_comes_back_byte_for_byte(recording: RecordingScorer) -> None:
    ticket = Ticket("a", "东湖区燃气泄漏")
    first = recording.score([ticket])[0]
    again = recording.score([ticket], top_k=1)[0]
    assert decision_bytes(again) == decision_bytes(first)
    assert recording.scored == ["a"]


@pytest.mark.parametrize("text", ["东湖区燃气泄漏", "没有地点"])
def test_an_answer_becomes_the_decision_it_was_made_of(decision_on, text: str) -> None:
    ticket = Ticket("a", text)
    decision = RecordedDecision.of(decision_on(ticket), stored=True)
    row = row_of(ticket, decision, None, now(), audited=False)
    assert decision_bytes(decision_of(row["answer"])) == decision_bytes(decision)


def test_other_words_are_a_new_revision_and_withdraw_the_old_item(
    recording: RecordingScorer, store: Store
) -> None:
    recording.score([Ticket("a", "停水")])
    recording.score([Ticket("a", "停水三天")])
    assert [row.revision for row in _rows(store)] == [1, 2]
    assert [status for _, status in _items(store)] == ["withdrawn", "waiting"]


def test_one_ticket_twice_in_a_batch_is_stored_once(recording: RecordingScorer, store: Store) -> None:
    first, second = recording.score([Ticket("a", "停水"), Ticket("a", "停水")])
    assert decision_bytes(first) == decision_bytes(second)
    assert len(_rows(store)) == 1


def test_what_the_page_at_the_root_scores_is_not_stored(recording: RecordingScorer, store: Store) -> None:
    (decision,) = recording.score([Ticket("page-1", "停水")])
    assert not decision.stored
    assert _rows(store) == []


def test_a_degraded_answer_is_stored_as_such(recording: RecordingScorer, store: Store) -> None:
    assert recording.fallback(Ticket("a", "停水")).stored
    assert [row.degraded for row in _rows(store)] == [True]


def test_characters_that_postgresql_refuses_do_not_stop_a_ticket(
    recording: RecordingScorer, store: Store
) -> None:
    assert recording.score([Ticket("a", "东湖区\0停水")])[0].stored
    assert _rows(store)[0].text == "东湖区\ufffd停水"


def test_auto_waits_for_nobody_unless_it_is_audited(
    store: Store, waiting: WriteAheadFile, decision_on
) -> None:
    scorer = Scorer(decision_on, Level.AUTO)
    RecordingScorer(scorer, store, waiting, NONE).score([Ticket("a", "停水")])
    assert _items(store) == []
    RecordingScorer(scorer, store, waiting, ALL).score([Ticket("b", "停水")])
    assert len(_items(store)) == 1
    assert [row.audited for row in _rows(store)] == [False, True]


def test_the_audited_share_is_what_was_asked_for_and_always_the_same() -> None:
    dispatching = Dispatching(0.2, 7, 60, 5)
    tickets = [Ticket(str(i), "停水") for i in range(2000)]
    drawn = [dispatching.draws(ticket) for ticket in tickets]
    assert 0.17 < sum(drawn) / len(drawn) < 0.23
    assert drawn == [dispatching.draws(ticket) for ticket in tickets]


def test_danger_is_due_first(recording: RecordingScorer, store: Store) -> None:
    made = datetime(2026, 11, 24, 8, tzinfo=UTC)
    recording.score([Ticket("a", "停水", created_at=made), Ticket("b", "燃气泄漏", created_at=made)])
    with store.transaction() as session:
        items = session.execute(select(ReviewItem.due_at, ReviewItem.risk).order_by(ReviewItem.id)).all()
    assert [tuple(item) for item in items] == [
        (made + timedelta(minutes=60), 0),
        (made + timedelta(minutes=5), 2),
    ]


@pytest.mark.parametrize(("unit", "level"), [(None, "preselect"), ("u0", "preselect"), ("other", "auto")])
def test_auto_stops_where_a_lead_stopped_it(
    store: Store, waiting: WriteAheadFile, decision_on, unit: str | None, level: str
) -> None:
    with store.transaction() as session:
        lead = User(name="lead", display_name="班长", role="lead", password_hash="-", created_at=now())
        session.add(lead)
        session.flush()
        session.add(AutoStop(unit=unit, reason="抽查", stopped_by=lead.id, stopped_at=now()))
    recording = RecordingScorer(Scorer(decision_on, Level.AUTO), store, waiting, NONE)
    assert recording.score([Ticket("a", "停水")])[0].level == level


def test_while_the_store_is_down_decisions_wait_and_arrive_in_order(
    recording: RecordingScorer, store: Store
) -> None:
    _break(store)
    assert not recording.score([Ticket("a", "停水")])[0].stored
    assert not recording.score([Ticket("a", "停水三天"), Ticket("b", "停电")])[0].stored
    assert (recording.down, recording.backlog) == (True, 3)
    assert not recording.catch_up()
    _mend(store)
    assert recording.catch_up()
    assert (recording.down, recording.backlog) == (False, 0)
    assert [(row.ticket_id, row.revision, row.text) for row in _rows(store)] == [
        ("a", 1, "停水"),
        ("a", 2, "停水三天"),
        ("b", 1, "停电"),
    ]
    assert recording.score([Ticket("c", "路灯")])[0].stored


def test_catching_up_twice_stores_once(
    recording: RecordingScorer, store: Store, waiting: WriteAheadFile
) -> None:
    _break(store)
    recording.score([Ticket("a", "停水")])
    rows = waiting.read(10)
    _mend(store)
    recording.catch_up()
    waiting.append(rows)  # as after a kill between writing and forgetting
    recording.catch_up()
    assert len(_rows(store)) == 1


def test_a_full_file_does_not_stop_the_scoring(store: Store, tmp_path: Path, decision_on) -> None:
    file = WriteAheadFile(tmp_path / "small.log", 100)
    recording = RecordingScorer(Scorer(decision_on), store, file, NONE)
    _break(store)
    assert recording.score([Ticket("a", "停水")])[0].ticket_id == "a"
    assert len(file) == 0
    file.close()


def test_two_processes_agree_on_one_answer(
    store: Store, tables_url: str, tmp_path: Path, decision_on
) -> None:
    """Both score the same new tickets at once; every ticket ends with one row, and both give its answer."""
    from concurrent.futures import ThreadPoolExecutor

    tickets = [Ticket(str(i), "停水") for i in range(20)]
    stores = [Store.open(tables_url) for _ in range(4)]
    files = [WriteAheadFile(tmp_path / f"{i}.log", 1_000_000) for i in range(4)]
    workers = [RecordingScorer(Scorer(decision_on), s, f, NONE) for s, f in zip(stores, files, strict=True)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda worker: worker.score(tickets), workers))
    for worker in workers:
        worker.catch_up()
    with store.transaction() as session:
        assert session.scalar(select(func.count()).select_from(StoredDecision)) == len(tickets)
    assert {a.ticket_id for answer in answers for a in answer} == {t.ticket_id for t in tickets}
    for opened, file in zip(stores, files, strict=True):
        opened.close()
        file.close()


def test_purging_empties_words_and_leaves_figures(recording: RecordingScorer, store: Store) -> None:
    recording.score([Ticket("a", "东湖区停水", address="人民路1号")])
    assert purge(store, 30) == 0
    assert purge(store, 0) == 1
    (row,) = _rows(store)
    assert (row.text, row.address, row.answer, row.unit, row.score) == (None, None, None, "u0", 0.123456789)
    assert [status for _, status in _items(store)] == ["withdrawn"]
