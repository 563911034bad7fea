"""What tests of kill -9 share: the kills themselves, and what must be true after them."""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_process import PATIENCE, Callers, ServerProcess, post
from sqlalchemy import select

from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import ReviewItem
from serve.store.schema import upgrade
from serve.store.write_ahead import WriteAheadFile

Answers = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of kills: tickets answered before them, sent again after them, and stored in all.

    `unstored` counts the answers that said so: a busy database took them later.
    """

    answered: int
    again: int
    stored: int
    unstored: int

    def __str__(self) -> str:
        """Return it as the report says it."""
        return (
            f"{self.answered:,} answered tickets, none missing, none twice, each as it was answered; {self.again:,} that "
            f"got no answer were sent again and are in the store once ({self.stored:,} in all; {self.unstored:,} answers "
            "said `stored: false`)"
        )


def kill_in_load(server: ServerProcess, url: str, times: int) -> Killed:
    """Start a server, kill it under its callers and look into its database, so many times; fail if it is not so."""
    told: Answers = {}
    sent: dict[str, str] = {}
    draw = random.Random(4)
    again = answered = 0
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
        check(url, told, sent, waiting={row["ticket_id"] for row in waiting_rows(server)}, busy=True)
    server.start()
    again += ask_again(server.port, told, sent, draw)
    wait_until_all_arrived(server)
    server.stop()
    unstored = sum(not answer["stored"] for answers in told.values() for answer in answers)
    return Killed(answered, again, check(url, told, sent, busy=True), unstored)


def stored_answers(url: str) -> dict[str, list[StoredDecision]]:
    """Return all rows of the store by ticket."""
    store = Store.open(url)
    rows: dict[str, list[StoredDecision]] = {}
    with store.transaction() as session:
        for row in session.scalars(select(StoredDecision)):
            rows.setdefault(row.ticket_id, []).append(row)
    store.close()
    return rows


def check(
    url: str,
    told: Answers,
    sent: dict[str, str],
    *,
    waiting: Collection[str] = (),
    busy: bool = False,
) -> int:
    """Fail unless each answered ticket is in the store once, as its callers were told; return their number.

    Those in `waiting` may be in the write-ahead file instead. If the database was `busy`, an answer that said
    `stored: false` may have been overtaken by one that was asked for at the same time.
    """
    rows = stored_answers(url)
    missing = [ticket_id for ticket_id in told if ticket_id not in rows and ticket_id not in waiting]
    assert not missing, f"{len(missing)} of {len(told)} answered tickets are not in the store"
    assert all(len(found) == 1 for found in rows.values()), "a ticket is in the store twice"
    assert rows.keys() <= sent.keys()
    for ticket_id in told.keys() & rows.keys():
        (row,) = rows[ticket_id]
        assert row.text == sent[ticket_id]
        for answer in told[ticket_id]:
            if busy and not answer["stored"]:
                continue
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


def kind_of(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


def make_tables(url: str) -> None:
    store = Store.open(url)
    upgrade(store)
    store.close()


def wait_until_all_arrived(server: ServerProcess) -> None:
    """Wait until the write-ahead file is empty."""
    file = Path(str(server.options["write_ahead_file"]))
    until = time.monotonic() + PATIENCE
    while file.stat().st_size:
        assert time.monotonic() < until, f"decisions still wait:\n{server.log}"
        time.sleep(0.05)


def waiting_rows(server: ServerProcess) -> list[dict[str, Any]]:
    """Return the rows of the write-ahead file of a server that does not run."""
    file = WriteAheadFile(Path(str(server.options["write_ahead_file"])), 1 << 30)
    rows = file.read(1_000_000)
    file.close()
    return rows
