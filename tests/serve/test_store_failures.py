"""Whatever the store raises, and however long it takes, tickets are answered and their decisions kept."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import exc, select

from data.tickets.ticket import Ticket
from serve.metrics.meters import Meters
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.keeper import keep, remembering
from serve.store.recording import RecordingScorer
from serve.store.schema import upgrade
from serve.store.write_ahead import WriteAheadError, WriteAheadFile

RAISED = [
    exc.OperationalError("", {}, Exception()),  # no connection, a locked or full database
    exc.DatabaseError("", {}, Exception()),  # no database any more
    exc.InterfaceError("", {}, Exception()),
    exc.TimeoutError(),  # no connection came free
    exc.PendingRollbackError(),
    exc.ResourceClosedError(),
    exc.DBAPIError("", {}, Exception(), connection_invalidated=True),
    OSError(errno.ENOSPC, "No space left on device"),
    ValueError("a row that is no JSON"),
    KeyError("an answer that lacks something"),
]
SOON = 5.0
"""Seconds that are far more than half a second on a busy machine, and far fewer than SQLite waits."""


class Scorer:
    def __init__(self, decide) -> None:
        self._decide = decide
        self.versions = decide(Ticket("v", "停水")).versions

    def score(self, tickets, *, top_k=3):
        return [self._decide(ticket, top_k) for ticket in tickets]

    def fallback(self, ticket):
        return self._decide(ticket, degraded=True)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'paidan.db'}"
    store = Store.open(url)
    upgrade(store)
    store.close()
    return url


@pytest.fixture
def recording(url: str, waiting: WriteAheadFile, decision_on) -> Iterator[RecordingScorer]:
    store = Store.open(url)
    made = RecordingScorer(Scorer(decision_on), store, waiting, Dispatching(0.0, 1, 60, 5))
    yield made
    made.close()
    store.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the database, as a backup or a person with a shell does."""
    with closing(sqlite3.connect(folder / "paidan.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def stored(url: str) -> list[tuple[str, int, bool]]:
    store = Store.open(url)
    with store.transaction() as session:
        columns = StoredDecision.ticket_id, StoredDecision.revision, StoredDecision.degraded
        found = [tuple(row) for row in session.execute(select(*columns).order_by(StoredDecision.ticket_id))]
    store.close()
    return found


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("call", ["score", "fallback"])
def test_scoring_goes_on_whatever_the_store_raises(
    recording: RecordingScorer, url: str, monkeypatch: pytest.MonkeyPatch, error: Exception, call: str
) -> None:
    def fail(store: Store):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(Store, "transaction", fail)
        ticket = Ticket("a", "停水")
        decision = recording.score([ticket])[0] if call == "score" else recording.fallback(ticket)
        assert (decision.ticket_id, decision.stored) == ("a", False)
        assert (recording.down, recording.backlog) == (True, 1)
        with suppress(ValueError, KeyError):  # the keeper sees to those
            assert not recording.catch_up()
        assert recording.backlog == 1
    assert recording.catch_up()
    assert [row[0] for row in stored(url)] == ["a"]


@pytest.mark.parametrize("error", RAISED[:8], ids=lambda error: type(error).__name__)
def test_the_service_starts_whatever_the_store_raises(
    make_settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision_on, error: Exception
) -> None:
    def fail(store: Store) -> None:
        raise error

    settings = make_settings(
        database_url=f"sqlite:///{tmp_path / 'paidan.db'}", write_ahead_file=tmp_path / "waiting.log"
    )

    async def start() -> None:
        with monkeypatch.context() as broken:
            broken.setattr("serve.store.keeper.upgrade", fail)
            async with remembering(Scorer(decision_on), settings, Meters()) as (recording, _):
                assert not recording.score([Ticket("a", "停水")])[0].stored
                broken.undo()
                async with asyncio.timeout(60):
                    while recording.backlog:
                        await asyncio.sleep(0.05)

    asyncio.run(start())
    assert [row[0] for row in stored(str(settings.database_url))] == ["a"]


def test_the_keeper_outlives_what_a_damaged_row_raises(
    recording: RecordingScorer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail() -> bool:
        tried.append(1)
        raise ValueError

    async def run() -> None:
        store = Store.open(url)
        recording.down = True
        task = asyncio.create_task(keep(store, recording, None))
        while len(tried) < 2:
            await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()
        store.close()

    monkeypatch.setattr("serve.store.keeper._FIRST_PAUSE", 0.01)
    monkeypatch.setattr(recording, "catch_up", fail)
    asyncio.run(run())


def test_a_late_ticket_does_not_wait_for_a_locked_database(
    recording: RecordingScorer, url: str, tmp_path: Path
) -> None:
    recording.score([Ticket("before", "停水")])
    with locked(tmp_path):
        began = time.monotonic()
        decisions = [recording.fallback(Ticket(name, "停电")) for name in "abc"]
        assert time.monotonic() - began < SOON
        assert [(d.degraded, d.stored) for d in decisions] == [(True, False)] * 3
        assert recording.backlog == 3
    assert recording._late is not None
    recording._late.result(30)  # the database may have taken the first after all: it is kept once
    assert recording.catch_up()
    assert stored(url) == [("a", 1, True), ("b", 1, True), ("before", 1, False), ("c", 1, True)]


def test_who_asks_again_while_the_store_is_down_gets_the_same_answer(
    recording: RecordingScorer, url: str
) -> None:
    recording.down = True
    late = recording.fallback(Ticket("a", "停水"))
    again, *batch = recording.score([Ticket("a", "停水"), Ticket("b", "停电"), Ticket("b", "停电")])
    assert (again, again.degraded) == (late, True)
    assert batch[0] is batch[1]
    assert recording.score([Ticket("a", "停水三天")])[0] != late
    assert recording.backlog == 3
    assert recording.catch_up()
    assert stored(url) == [("a", 1, True), ("a", 2, False), ("b", 1, False)]


def test_a_late_ticket_gets_what_is_stored_though_the_database_is_locked(
    recording: RecordingScorer, tmp_path: Path
) -> None:
    recording.score([Ticket("a", "停水")])
    with locked(tmp_path):
        again = recording.fallback(Ticket("a", "停水"))
    assert (again.degraded, again.stored) == (False, True)


def test_a_late_ticket_does_not_wait_for_a_batch_that_does(
    recording: RecordingScorer, url: str, tmp_path: Path
) -> None:
    recording.score([Ticket("before", "停水")])
    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            batch = pool.submit(recording.score, [Ticket("batch", "停水")])
            while not recording._writing.locked():
                time.sleep(0.01)
            began = time.monotonic()
            assert recording.fallback(Ticket("late", "停电")).degraded
            assert time.monotonic() - began < SOON
        assert batch.result(30)[0].ticket_id == "batch"
    recording._late.result(30)
    assert recording.catch_up()
    assert [row[0] for row in stored(url)] == ["batch", "before", "late"]


@pytest.mark.anyio
async def test_the_deadline_holds_while_the_database_is_locked(connect, scorer_with_fallback, tmp_path: Path):
    options = {
        "database_url": f"sqlite:///{tmp_path / 'paidan.db'}",
        "write_ahead_file": tmp_path / "waiting.log",
        "deadline_seconds": 0.2,
    }
    async with connect(scorer_with_fallback, **options) as client:
        with locked(tmp_path):
            began = time.monotonic()
            bodies = [{"ticket_id": name, "text": "东湖区路灯不亮"} for name in "abcd"]
            answers = await asyncio.gather(*(client.post("/v1/score", json=body) for body in bodies))
            took = time.monotonic() - began
    assert [(answer.status_code, answer.json()["degraded"]) for answer in answers] == [(200, True)] * 4
    assert took < SOON
    with closing(sqlite3.connect(tmp_path / "paidan.db")) as database:
        kept = {row[0] for row in database.execute("SELECT ticket_id FROM decisions")}
    left = WriteAheadFile(tmp_path / "waiting.log", 1_000_000)
    assert kept | {row["ticket_id"] for row in left.read(100)} == set("abcd")
    left.close()


def test_a_disk_that_refuses_to_cut_off_costs_no_later_decision(
    waiting: WriteAheadFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Disk:
        """Takes half a line, and then nothing, not even a cut."""

        def __init__(self, file) -> None:
            self._file = file

        def __getattr__(self, name):
            return getattr(self._file, name)

        def write(self, content: bytes) -> int:
            return self._file.write(content[: len(content) // 2])

        def truncate(self, size: int) -> int:
            raise OSError(errno.EIO, "Input/output error")

    assert waiting.append([{"ticket_id": "a"}])
    with monkeypatch.context() as broken:
        broken.setattr(waiting, "_file", Disk(waiting._file))
        assert not waiting.append([{"ticket_id": "b"}])
    assert waiting.append([{"ticket_id": "c"}])
    assert [row["ticket_id"] for row in waiting.read(10)] == ["a", "c"]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    with pytest.raises(WriteAheadError, match="no-folder"):
        WriteAheadFile(tmp_path / "no-folder" / "waiting.log", 100)
