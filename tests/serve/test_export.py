"""What people decided, exported and read back as training would, on both databases."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import update
from typer.testing import CliRunner

from data.tickets.columns import ColumnMapping
from data.tickets.reading import iter_tickets, read_tickets
from data.tickets.ticket import Ticket
from serve.export.cli import commands
from serve.export.columns import HEADERS, ExportRow
from serve.export.days import DaysError, period_of
from serve.export.reviewed import LeftOut, Period, ReviewedTickets
from serve.export.writing import ExportError, check_output, write_rows
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import Consultation, FeedbackEvent, ReviewItem, Ruling

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in China
KINDS = ("csv", "jsonl", "parquet", "xlsx")
_number = count(1)


class Desk:
    """Puts decided tickets into a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.people: dict[str, int] = {}
        with store.transaction() as session:
            for role in ("operator", "lead"):
                user = User(
                    name=role,
                    display_name="张三丰",
                    role=role,
                    password_hash="-",
                    failed_attempts=0,
                    created_at=NOON,
                )
                session.add(user)
                session.flush()
                self.people[role] = user.id

    def ticket(self, ticket_id: str = "T1", text: str | None = "门前积水没有人管", revision: int = 1) -> int:
        with self.store.transaction() as session:
            decision = StoredDecision(
                ticket_id=ticket_id, revision=revision, input_sha256="0" * 64, text=text, title="积水",
                address="湖滨路1号", district="东湖区", longitude=110.5, latitude=20.25, channel="电话",
                created_at=NOON - timedelta(hours=1), answered_at=NOON, level="suggest", mode="direct", unit="m",
                family="水务局", score=0.5, place_status="missing", flags=[], degraded=False, audited=False,
                model_version="model-7", catalog_version="c", policy_version="p", answer=None,
            )  # fmt: skip
            session.add(decision)
            session.flush()
            return decision.id

    def rule(
        self, decision: int, unit: str = "a", *, kind: str = "first", role: str = "operator", minutes: int = 0,
        undone: bool = False, parts: list[dict[str, object]] | None = None,
    ) -> int:  # fmt: skip
        made = parts or [part(unit)]
        with self.store.transaction() as session:
            item = ReviewItem(
                decision_id=decision, kind=kind, status="settled", created_at=NOON, due_at=NOON, risk=0,
                score=0.5, level="suggest", skipped_by=[],
            )  # fmt: skip
            session.add(item)
            session.flush()
            ruling = Ruling(
                item_id=item.id, decision_id=decision, user_id=self.people[role], request_id=f"r-{next(_number)}",
                mode="direct", unit=made[0]["lead"], parts=made, rank=2, note="张三丰说的", seconds=1.0,
                decided_at=NOON + timedelta(minutes=minutes), undone_at=NOON if undone else None,
            )  # fmt: skip
            session.add(ruling)
            session.flush()
            return ruling.id

    def event(self, kind: str, unit: str | None, *, minutes: int, ticket_id: str = "T1") -> None:
        with self.store.transaction() as session:
            session.add(
                FeedbackEvent(
                    event_id=f"e-{next(_number)}",
                    ticket_id=ticket_id,
                    kind=kind,
                    unit=unit,
                    reason=None,
                    happened_at=NOON + timedelta(minutes=minutes),
                    received_at=now(),
                )
            )

    def export(self, period: Period | None = None) -> tuple[list[ExportRow], dict[LeftOut, int]]:
        reviewed = ReviewedTickets(self.store, period or Period(), lambda code: f"单位{code}")
        return list(reviewed.rows()), dict(reviewed.tally.left_out)


def part(lead: str, start: int | None = None, end: int | None = None) -> dict[str, object]:
    return {"lead": lead, "assisting": [], "jurisdiction": None, "start": start, "end": end}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_model_operator_and_what_held_stand_apart(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.event("accepted", "b", minutes=5)
    (row,), _ = desk.export()
    assert (row.model_unit, row.department, row.held_unit, row.returned_units) == ("m", "a", "b", None)


def test_provenance_names_a_role_and_never_a_person(desk: Desk):
    desk.rule(desk.ticket())
    (row,), _ = desk.export()
    assert (row.decided_by, row.decided_kind, row.rank, row.model_version) == (
        "operator",
        "first",
        2,
        "model-7",
    )
    assert "张三丰" not in str(row)


def test_texts_are_masked(desk: Desk):
    desk.rule(desk.ticket(text="请回电13912345678，门前积水"))
    (row,), _ = desk.export()
    assert row.text == "请回电***********，门前积水"


def test_undone_ruling_is_out(desk: Desk):
    desk.rule(desk.ticket(), undone=True)
    assert desk.export() == ([], {})


def test_last_word_wins(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.rule(desk.ticket(revision=2), "b", minutes=5)
    assert [row.department for row in desk.export()[0]] == ["b"]


def test_lead_wins_over_a_later_operator(desk: Desk):
    decision = desk.ticket()
    desk.rule(decision, "a", kind="lead", role="lead")
    desk.rule(decision, "b", minutes=5)
    (row,), _ = desk.export()
    assert (row.department, row.decided_by, row.decided_kind) == ("a", "lead", "lead")


def test_consultation_is_named(desk: Desk):
    decision = desk.ticket()
    ruling = desk.rule(decision)
    with desk.store.transaction() as session:
        session.add(
            Consultation(
                item_id=session.get_one(Ruling, ruling).item_id,
                decision_id=decision,
                opened_by=desk.people["lead"],
                question="归谁",
                opened_at=NOON,
                closed_at=NOON,
                ruling_id=ruling,
                reasoning="归水务",
            )
        )
    assert desk.export()[0][0].decided_kind == "consult"


@pytest.mark.parametrize(
    ("second", "rows", "left"), [("a", ["agreed"], {}), ("b", [], {LeftOut.DISPUTED: 1})]
)
def test_second_opinion_never_decides(desk: Desk, second: str, rows: list[str], left: dict[LeftOut, int]):
    decision = desk.ticket()
    desk.rule(decision, "a")
    desk.rule(decision, second, kind="second", minutes=5)
    found, left_out = desk.export()
    assert ([row.second_opinion for row in found], left_out) == (rows, left)


def test_returned_ticket_is_counted_and_no_label(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.event("returned", "a", minutes=5)
    desk.event("redispatched", "b", minutes=6)
    desk.event("accepted", "b", minutes=7)
    assert desk.export() == ([], {LeftOut.RETURNED: 1})


def test_returned_ticket_settled_anew_is_a_label(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.event("returned", "a", minutes=5)
    desk.rule(desk.ticket(revision=2), "b", minutes=10)
    (row,), _ = desk.export()
    assert (row.department, row.returned_units) == ("b", "a")


def test_returned_and_taken_after_all_is_a_label(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.event("returned", "a", minutes=5)
    desk.event("accepted", "a", minutes=9)
    assert [row.department for row in desk.export()[0]] == ["a"]


def test_return_by_a_unit_without_name_is_no_label(desk: Desk):
    desk.rule(desk.ticket(), "a")
    desk.event("returned", None, minutes=5)
    assert desk.export() == ([], {LeftOut.RETURNED: 1})


def test_split_ticket_becomes_a_row_a_demand(desk: Desk):
    text = "路灯不亮。门前积水。"
    desk.rule(desk.ticket(text=text), parts=[part("a", 0, 5), part("b", 5, 10), part("c")])
    rows, left_out = desk.export()
    assert [(r.ticket_id, r.text, r.department, r.part) for r in rows] == [
        ("T1#1", "路灯不亮。", "a", 1),
        ("T1#2", "门前积水。", "b", 2),
    ]
    assert left_out == {LeftOut.NO_TEXT: 1}


def test_purged_text_is_counted(desk: Desk):
    desk.rule(desk.ticket())
    with desk.store.transaction() as session:
        session.execute(update(StoredDecision).values(text=None))
    assert desk.export() == ([], {LeftOut.PURGED: 1})


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(None, None, 1), ("2026-03-02", "2026-03-02", 1), ("2026-03-03", None, 0), (None, "2026-03-01", 0)],
)
def test_days_are_the_citys_and_inclusive(desk: Desk, since: str | None, until: str | None, found: int):
    desk.rule(desk.ticket())
    assert len(desk.export(period_of(since, until))[0]) == found


def test_tickets_outside_the_days_are_not_read(desk: Desk):
    desk.rule(desk.ticket("T1"))
    desk.rule(desk.ticket("T2"), minutes=3 * 24 * 60)
    reviewed = ReviewedTickets(desk.store, period_of("2026-03-02", "2026-03-02"), str)
    assert reviewed.count() == 1
    looked_at: list[int] = []
    assert [row.ticket_id for row in reviewed.rows(looked_at.append)] == ["T1"]
    assert looked_at == [1]


def test_word_that_holds_may_be_outside_the_days(desk: Desk):
    decision = desk.ticket()
    desk.rule(decision, "a")
    desk.rule(decision, "b", kind="lead", role="lead", minutes=3 * 24 * 60)
    assert desk.export(period_of("2026-03-02", "2026-03-02")) == ([], {})


def test_no_connection_is_held_while_rows_are_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serve.export.reviewed._AT_A_TIME", 2)
    for number in range(5):
        desk.rule(desk.ticket(f"T{number}"))
    held = []
    for row in ReviewedTickets(desk.store, Period(), str).rows():
        held.append((row.ticket_id, desk.store.engine.pool.checkedout()))  # type: ignore[attr-defined]
    assert held == [(f"T{number}", 0) for number in range(5)]


@pytest.mark.parametrize(
    ("since", "until"), [("gestern", None), ("2026-03-02", "2026-03-01"), (None, "2026-02-30")]
)
def test_days_that_are_none_are_refused(since: str | None, until: str | None):
    with pytest.raises(DaysError):
        period_of(since, until)


def read_back(path: Path) -> list[Ticket]:
    tickets = list(iter_tickets(path, ColumnMapping.identity()))
    assert all(isinstance(ticket, Ticket) for ticket in tickets), tickets
    return tickets  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS)
def test_training_reads_the_same_tickets_and_labels(desk: Desk, tmp_path: Path, kind: str):
    desk.rule(desk.ticket("T1", '第一件，"引号"\n换行=1+1'), "a")
    desk.rule(desk.ticket("T2", '=HYPERLINK("http://x")路灯不亮'), "b")
    rows, _ = desk.export()
    path = tmp_path / f"reviewed.{kind}"
    write_rows(rows, path)
    assert [(t.ticket_id, t.text, t.department) for t in read_back(path)] == [
        (row.ticket_id, row.text, row.department) for row in rows
    ]
    first = read_back(path)[0]
    assert (first.title, first.channel, first.address, first.district) == (
        "积水",
        "电话",
        "湖滨路1号",
        "东湖区",
    )
    assert first.location is not None
    assert (first.location.lon, first.location.lat) == (110.5, 20.25)
    assert first.created_at == datetime(2026, 3, 2, 11)
    assert read_tickets(path, ColumnMapping.identity(), labelled=True).dataset["department"] == ["a", "b"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_reviewed_gives_a_file_with_headers_alone(tmp_path: Path, kind: str):
    path = tmp_path / f"reviewed.{kind}"
    write_rows([], path)
    assert path.exists()
    if kind == "csv":
        assert next(csv.reader(path.read_text("utf-8").splitlines())) == list(HEADERS)  # no byte-order mark


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(desk: Desk, tmp_path: Path, start: str):
    desk.rule(desk.ticket(text=f"{start}路灯不亮\x07"))
    path = tmp_path / "reviewed.xlsx"
    write_rows(desk.export()[0], path)
    sheet = load_workbook(path).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert sheet["B2"].quotePrefix
    assert sheet.freeze_panes == "B2"


@pytest.mark.parametrize("name", ["reviewed.txt", "reviewed"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str):
    with pytest.raises(ExportError, match="unknown kind"):
        check_output(tmp_path / name, overwrite=True)


def test_command_writes_counts_and_refuses_to_overwrite(desk: Desk, tmp_path: Path, monkeypatch):
    desk.rule(desk.ticket())
    desk.rule(desk.ticket("T2"))
    desk.event("returned", "a", minutes=5, ticket_id="T2")
    output = tmp_path / "reviewed.jsonl"
    monkeypatch.setattr("serve.store.cli.open_current_store", lambda *_: desk.store)
    result = CliRunner().invoke(commands, ["--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "1 rows of 2 reviewed tickets" in result.stderr
    assert "returned: 1" in result.stderr
    before = output.read_bytes()
    again = CliRunner().invoke(commands, ["--output", str(output)])
    assert isinstance(again.exception, ExportError)
    assert output.read_bytes() == before
    replaced = CliRunner().invoke(commands, ["--output", str(output), "--overwrite"])
    assert replaced.exit_code == 0
