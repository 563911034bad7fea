"""Doubtful tickets of a file on the review desk, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from sqlalchemy import func, select

from data.tickets.ticket import Ticket
from model.decision import Decision
from serve.api.requests import Limits
from serve.export.reviewed import Period, ReviewedTickets
from serve.insight.records import read_records
from serve.lead.accuracy import measure_taken
from serve.lead.load import measure_load
from serve.lead.window import Window
from serve.review.desk_lines import DeskFileError, DeskLine, DoubtReason, read_desk_lines
from serve.review.history import doubt_of
from serve.review.importing import DeskImport, Imported
from serve.review.queue import ReviewQueue
from serve.settings import load_settings
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recording import RecordingScorer
from serve.store.reviews import ReviewItem, Ruling
from serve.store.write_ahead import WriteAheadFile
from training.quality.desk import desk_line

LIMITS = Limits(text_length=1000, batch_tickets=10, top_k=5)


@pytest.fixture
def lines(tmp_path: Path) -> list[DeskLine]:
    """Write three suspects as the analyst's command does, and read them."""
    why = {"rank": 1, "row": 2, "given": "u1", "suggested": "u0", "self_confidence": 0.01}
    tickets = [
        Ticket(f"T{i}", f"东湖区某路第{i}根灯杆不亮", created_at=datetime(2026, 1, 2, 8), department="u1")
        for i in range(3)
    ]
    file = tmp_path / "to_desk.jsonl"
    file.write_bytes(
        b"".join(orjson.dumps(desk_line(ticket, "suspected_label", why)) + b"\n" for ticket in tickets)
    )
    return read_desk_lines(file, LIMITS)


@pytest.fixture
def scorer(decision_on) -> SimpleNamespace:
    def score(tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return [decision_on(ticket, top_k) for ticket in tickets]

    return SimpleNamespace(score=score, versions=decision_on(Ticket("x", "y")).versions)


@pytest.fixture
def take_in(store: Store, scorer: SimpleNamespace):
    def run(lines: Sequence[DeskLine]) -> Imported:
        return DeskImport(store, scorer, days=14, top_k=3).take_in(lines, 2)

    return run


@pytest.fixture
def operator(store: Store) -> User:
    user = User(name="one", display_name="甲", role="operator", password_hash="-", created_at=now())
    with store.transaction() as session:
        session.add(user)
    return user


@pytest.fixture
def live(store: Store, scorer: SimpleNamespace, tmp_path: Path) -> Iterator[RecordingScorer]:
    settings = load_settings()
    waiting = WriteAheadFile(tmp_path / "waiting.log", 10**6)
    yield RecordingScorer(scorer, store, waiting, Dispatching.from_settings(settings))
    waiting.close()


def _rule(store: Store, user: User, ticket_id: str, unit: str) -> None:
    """Settle what waits of a ticket."""
    with store.transaction() as session:
        item = session.scalars(
            select(ReviewItem)
            .join(StoredDecision, StoredDecision.id == ReviewItem.decision_id)
            .where(StoredDecision.ticket_id == ticket_id, ReviewItem.status == "waiting")
        ).one()
        item.status = "settled"
        parts = [{"lead": unit, "assisting": [], "jurisdiction": None, "start": None, "end": None}]
        ruling = Ruling(
            item_id=item.id, decision_id=item.decision_id, user_id=user.id, request_id=f"r{item.id}", mode="direct",
            unit=unit, parts=parts, rank=1, seconds=4.0, decided_at=now(),
        )  # fmt: skip
        session.add(ruling)


def _count(store: Store, table: type) -> int:
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_the_analyst_wrote_is_read(lines: list[DeskLine]) -> None:
    assert [line.ticket.ticket_id for line in lines] == ["T0", "T1", "T2"]
    assert (lines[0].reason, lines[0].given, lines[0].suggested) == (DoubtReason.SUSPECTED_LABEL, "u1", "u0")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "is no JSON"),
        ('{"ticket_id": "a", "text": "秘密的路灯"}', "has no `review`"),
        ("[]", "has no `review`"),
        ('{"ticket_id": "a", "text": "秘密的路灯", "review": {"reason": "x"}}', "reason"),
        ('{"ticket_id": "a", "text": "", "review": {"reason": "suspected_label"}}', "/text"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(f"\n{line}\n", "utf-8")
    with pytest.raises(DeskFileError, match="line 2") as raised:
        read_desk_lines(file, LIMITS)
    assert says in str(raised.value)
    assert "秘密" not in str(raised.value)


def test_operators_get_them_in_the_order_of_the_file(store: Store, take_in, lines, operator: User) -> None:
    assert take_in(lines) == Imported(added=3)
    queue, seen = ReviewQueue(store, 300), []
    for line in lines:
        item = queue.claim(operator)
        assert item is not None
        with store.transaction() as session:
            decision = session.get_one(StoredDecision, session.get_one(ReviewItem, item).decision_id)
            seen.append(decision.ticket_id)
        _rule(store, operator, line.ticket.ticket_id, "u0")
    assert seen == ["T0", "T1", "T2"]


def test_the_operator_is_told_what_the_file_said(store: Store, take_in, lines) -> None:
    take_in(lines)
    with store.transaction() as session:
        decision = session.scalars(select(StoredDecision).where(StoredDecision.ticket_id == "T1")).one()
        told = doubt_of(session, decision, lambda code: {"u1": "路灯所", "u0": "城管局"}[code])
    assert told == "导入复核（疑似标错，原派路灯所，更像城管局），不会派出"


def test_the_same_file_twice_is_once(store: Store, take_in, lines) -> None:
    take_in(lines)
    assert take_in(lines) == Imported(known=3)
    assert _count(store, StoredDecision) == _count(store, ReviewItem) == 3


def test_other_words_take_the_place_of_what_waits(store: Store, take_in, lines) -> None:
    take_in(lines)
    other = DeskLine(Ticket("T1", "路灯又亮了，谢谢"), lines[1].reason, "u1", None)
    assert take_in([other]) == Imported(added=1)
    with store.transaction() as session:
        found = session.execute(
            select(StoredDecision.revision, ReviewItem.status)
            .join(ReviewItem, ReviewItem.decision_id == StoredDecision.id)
            .where(StoredDecision.ticket_id == "T1")
            .order_by(StoredDecision.revision)
        ).all()
    assert [tuple(row) for row in found] == [(-1, "waiting"), (0, "withdrawn")]


def test_what_waits_as_a_callers_ticket_is_left_there(store: Store, take_in, live, lines) -> None:
    live.score([lines[0].ticket])
    assert take_in(lines) == Imported(added=2, waiting=1)


def test_a_callers_ticket_is_none_the_worse_for_an_import(store: Store, take_in, live, lines) -> None:
    take_in(lines)
    live.score([lines[0].ticket])
    with store.transaction() as session:
        found = session.execute(
            select(StoredDecision.revision, ReviewItem.status)
            .join(ReviewItem, ReviewItem.decision_id == StoredDecision.id)
            .where(StoredDecision.ticket_id == "T0")
            .order_by(StoredDecision.revision)
        ).all()
    assert [tuple(row) for row in found] == [(0, "waiting"), (1, "waiting")]


def test_the_lead_and_the_digest_count_none_of_it(store: Store, take_in, live, lines, operator) -> None:
    live.score([Ticket("L1", "东湖区井盖丢失")])
    take_in(lines)
    _rule(store, operator, "T0", "u0")
    at = now()
    with store.transaction() as session:
        load = measure_load(store, session, Window.WEEK, at)
        taken = measure_taken(session, Window.WEEK.start(at))
    assert (load.total_waiting, load.settled, sum(load.answered.values())) == (1, 0, 1)
    assert taken.overall.total == 0
    day = timedelta(days=1)
    assert [row.ticket_id for row in read_records(store, at - day, at + day)] == ["L1"]


def test_a_ruling_comes_out_as_the_corrected_label(store: Store, take_in, lines, operator: User) -> None:
    take_in(lines)
    _rule(store, operator, "T1", "u2")
    rows = list(ReviewedTickets(store, Period(), lambda code: code).rows())
    assert [(row.ticket_id, row.department, row.text) for row in rows] == [
        ("T1", "u2", "东湖区某路第1根灯杆不亮")
    ]


def test_of_two_rulings_the_later_holds_wherever_the_ticket_came_from(
    store: Store, take_in, live, lines, operator: User
) -> None:
    live.score([lines[0].ticket])
    _rule(store, operator, "T0", "u1")
    take_in(lines)
    _rule(store, operator, "T0", "u0")
    rows = list(ReviewedTickets(store, Period(), lambda code: code).rows())
    assert [row.department for row in rows] == ["u0"]
