from __future__ import annotations

import csv
import gzip
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from data.catalog.entries import Department, DepartmentKind
from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.reading import check_tickets, iter_tickets, read_tickets
from data.tickets.rejects import Reject
from data.tickets.source import TicketFileError
from data.tickets.table import SCHEMA, to_row, to_ticket
from data.tickets.ticket import MAX_TEXT_LENGTH, Location, Ticket

IDENTITY = ColumnMapping.identity()
Write = Callable[..., Path]


class OneUnit:
    """A catalog that knows 城管局 only."""

    def find_unit(self, name_or_code: str) -> Department | None:
        unit = Department("u-1", "城管局", DepartmentKind.CITY_DEPARTMENT, "城管局", "460100")
        return unit if name_or_code in {unit.name, unit.code} else None


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(header: Sequence[str], *rows: Sequence[str]) -> Path:
        path = tmp_path / "tickets.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


def reasons(path: Path, columns: ColumnMapping = IDENTITY, **options: object) -> dict[str, int]:
    summary = check_tickets(path, columns, **options)  # type: ignore[arg-type]
    assert summary.rows == summary.usable + summary.left_out + sum(summary.rejected.values())
    return {str(reason): count for reason, count in summary.rejected.items()}


def test_makes_a_dataset_of_the_usable_tickets(write: Write) -> None:
    path = write(
        ["ticket_id", "text", "created_at", "lon", "lat", "department"],
        ["1", "路灯不亮", "2018-05-01 13:22", "110.3", "20", "城管局"],
        ["2", "积水", "", "", "", ""],
    )
    dataset = read_tickets(path, IDENTITY).dataset
    assert dataset.column_names == SCHEMA.names
    assert [to_ticket(row) for row in dataset] == [
        Ticket(
            "1",
            "路灯不亮",
            created_at=datetime(2018, 5, 1, 13, 22),
            location=Location(110.3, 20.0),
            department="城管局",
        ),
        Ticket("2", "积水"),
    ]


def test_a_ticket_comes_back_from_its_row_equal() -> None:
    ticket = Ticket("1", "a", "b", "c", datetime(2018, 5, 1), "d", "e", Location(1.0, 2.0), "f")
    assert to_ticket(to_row(ticket)) == ticket


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty_text"),
        ("  ", "empty_text"),
        ("\x00\x00", "empty_text"),
        ("\u200b", "empty_text"),
        ("😀😀", "no_words"),
        ("！！？……", "no_words"),
        ("长" * (MAX_TEXT_LENGTH + 1), "text_too_long"),
        ("长" * 50_000, "text_too_long"),
    ],
)
def test_rejects_texts_that_say_nothing_or_too_much(write: Write, text: str, reason: str) -> None:
    assert reasons(write(["ticket_id", "text"], ["1", text], ["2", "积水"])) == {reason: 1}


@pytest.mark.parametrize("text", ["路", "ok", "12345", "㐀", "长" * MAX_TEXT_LENGTH, "路灯\x00不亮", "ﾃｽﾄ"])
def test_takes_texts_that_say_something(write: Write, text: str) -> None:
    assert reasons(write(["ticket_id", "text"], ["1", text])) == {}


def test_rejects_texts_below_the_mappings_length(write: Write) -> None:
    mapping = ColumnMapping.from_dict({"text": "text", "min_text_length": 3})
    assert reasons(write(["text"], [" 路灯 "], ["路灯坏"]), mapping) == {"text_too_short": 1}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("created_at", "昨天", "bad_date"),
        ("lon", "东经", "bad_location"),
        ("lon", "200", "bad_location"),
        ("lat", "", "bad_location"),
    ],
)
def test_rejects_bad_dates_and_positions(write: Write, field: str, value: str, reason: str) -> None:
    row = {"text": "路灯", "created_at": "2018-05-01", "lon": "110", "lat": "20", field: value}
    assert reasons(write(list(row), list(row.values()))) == {reason: 1}


def test_a_position_of_zeros_is_none(write: Write) -> None:
    (ticket,) = iter_tickets(write(["text", "lon", "lat"], ["路灯", "0", "0"]), IDENTITY)
    assert ticket == Ticket("2", "路灯")


def test_rejects_ids_and_texts_seen_before_and_keeps_the_first(write: Write) -> None:
    path = write(
        ["ticket_id", "text"], ["1", "路灯"], ["1", "积水"], ["2", " 路灯 "], ["3", "路灯。"], ["", "噪音"]
    )
    assert reasons(path) == {"duplicate_id": 1, "duplicate_text": 1, "missing_id": 1}
    assert list(read_tickets(path, IDENTITY).dataset["text"]) == ["路灯", "路灯。"]


def test_a_row_that_cannot_be_used_does_not_keep_out_a_good_one_of_its_id(write: Write) -> None:
    path = write(["ticket_id", "text", "department"], ["1", "路灯", ""], ["1", "路灯", "城管局"])
    assert list(read_tickets(path, IDENTITY, labelled=True).dataset["department"]) == ["城管局"]


def test_leaves_out_what_keep_if_does_not_name(write: Write) -> None:
    mapping = ColumnMapping.from_dict({"text": "text", "keep_if": {"usable": True, "state": ["已办结", ""]}})
    path = write(
        ["text", "usable", "state"],
        ["路灯", "TRUE", "已办结"],
        ["积水", "True", ""],
        ["噪音", "False", "已办结"],
        ["", "True", "在办"],
    )
    summary = check_tickets(path, mapping)
    assert (summary.usable, summary.left_out, summary.rejected) == (2, 2, {})


def test_labels_become_codes_and_unknown_units_are_counted_by_name(write: Write) -> None:
    path = write(
        ["ticket_id", "text", "department"],
        ["1", "路灯", "城管局"],
        ["2", "积水", "水务局"],
        ["3", "噪音", "水务局"],
        ["4", "垃圾", ""],
        ["5", "占道", "u-1"],
    )
    file = read_tickets(path, IDENTITY, catalog=OneUnit(), labelled=True)
    assert list(file.dataset["department"]) == ["u-1", "u-1"]
    assert file.summary.unknown_units == (("水务局", 2),)
    assert file.summary.rejected == {"unknown_unit": 2, "missing_unit": 1}


def test_a_label_far_too_long_for_a_name_is_not_repeated(write: Write) -> None:
    path = write(["text", "department"], ["路灯", "市民反映" * 30])
    summary = check_tickets(path, IDENTITY, catalog=OneUnit(), labelled=True)
    assert summary.unknown_units == (("(120 characters)", 1),)


def test_labelled_reading_needs_the_label_though_it_is_optional(write: Write) -> None:
    with pytest.raises(ColumnsError, match="`department`"):
        read_tickets(write(["text"], ["路灯"]), IDENTITY, labelled=True)


def test_labelled_reading_needs_a_mapping_of_the_label(write: Write) -> None:
    with pytest.raises(ColumnsError, match="`department`"):
        read_tickets(write(["text"], ["路灯"]), ColumnMapping.from_dict({"text": "text"}), labelled=True)


def test_scoring_needs_neither_label_nor_filter_headers(write: Write) -> None:
    mapping = ColumnMapping.from_dict({"text": "text", "department": "unit", "keep_if": {"usable": True}})
    assert list(iter_tickets(write(["text"], ["路灯"]), mapping)) == [Ticket("2", "路灯")]


def test_scoring_gives_an_item_for_each_row_in_order_duplicates_and_short_texts_too(write: Write) -> None:
    mapping = ColumnMapping.from_dict({"ticket_id": "id", "text": "text", "min_text_length": 6})
    path = write(["id", "text"], ["1", "路灯"], ["1", "路灯"], ["2", "！"], ["3", "积水"])
    items = list(iter_tickets(path, mapping))
    assert [item.ticket_id for item in items] == ["1", "1", "2", "3"]
    assert [isinstance(item, Reject) for item in items] == [False, False, True, False]


def test_the_first_header_that_is_not_empty_counts(write: Write) -> None:
    mapping = ColumnMapping.from_dict({"text": "text", "created_at": ["time", "day"]})
    path = write(
        ["text", "day", "time"], ["路灯", "2018-05-01", " "], ["积水", "2018-05-01", "2018-05-02 08:00"]
    )
    days = [item.created_at.day for item in iter_tickets(path, mapping) if isinstance(item, Ticket)]
    assert days == [1, 2]


def test_cuts_the_routing_clause_if_told_to(write: Write) -> None:
    path = write(["text"], ["某小区路灯不亮，请城管核实处理！"])
    told = ColumnMapping.from_dict({"text": "text", "strip_routing_clause": True})
    (untold_ticket,) = iter_tickets(path, IDENTITY)
    (told_ticket,) = iter_tickets(path, told)
    assert (untold_ticket.text, told_ticket.text) == ("某小区路灯不亮，请城管核实处理！", "某小区路灯不亮，")


def test_summary_tells_days_lengths_and_units(write: Write) -> None:
    path = write(
        ["text", "created_at", "department"],
        ["路灯", "2018-05-02", "城管局"],
        ["积水积水", "2018-05-01", "水务局"],
        ["噪音噪音噪音", "", ""],
    )
    summary = check_tickets(path, IDENTITY)
    assert (summary.first_date, summary.last_date) == (datetime(2018, 5, 1), datetime(2018, 5, 2))
    assert (summary.undated, summary.units, summary.unlabelled) == (1, 2, 1)
    assert (summary.text_lengths[0.5], summary.text_lengths[1.0]) == (4, 6)


def test_content_hash_follows_the_usable_tickets_only(write: Write) -> None:
    first = check_tickets(write(["text"], ["路灯"], [""]), IDENTITY).content_hash
    assert check_tickets(write(["text"], ["路灯"], ["!"]), IDENTITY).content_hash == first
    assert check_tickets(write(["text"], ["路灯"], ["积水"]), IDENTITY).content_hash != first


def test_a_changed_file_is_read_anew(write: Write) -> None:
    before = read_tickets(write(["text"], ["路灯"]), IDENTITY).dataset
    after = read_tickets(write(["text"], ["积水"]), IDENTITY).dataset
    assert (before["text"][0], after["text"][0]) == ("路灯", "积水")


def test_a_file_without_usable_rows_gives_an_empty_dataset(write: Write) -> None:
    dataset = read_tickets(write(["text"], ["！"]), IDENTITY).dataset
    assert (len(dataset), dataset.column_names) == (0, SCHEMA.names)


def test_rejects_are_listed_by_row_column_and_reason_without_the_text(write: Write, tmp_path: Path) -> None:
    path = write(
        ["ticket_id", "text", "created_at"], ["7", "路灯", "昨天"], ["8", "积水", ""], ["=9", "！", ""]
    )
    check_tickets(path, IDENTITY, rejects=tmp_path / "rejects.csv")
    content = (tmp_path / "rejects.csv").read_text("utf-8-sig")
    assert list(csv.reader(content.splitlines())) == [
        ["row", "column", "reason", "detail", "ticket_id"],
        ["2", "created_at", "bad_date", "not a date and time that we know", "7"],
        ["4", "text", "no_words", "no letter, digit or Chinese character", "'=9"],
    ]


def test_an_older_rejects_file_stays_when_reading_fails(tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("older", "utf-8")
    broken = tmp_path / "a.csv.gz"
    broken.write_bytes(gzip.compress(b"text\n" + b"x 1\n" * 400_000)[:-20])
    with pytest.raises(TicketFileError):
        check_tickets(broken, IDENTITY, rejects=rejects)
    assert rejects.read_text("utf-8") == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"rejects.csv", "a.csv.gz"}


def test_says_that_rejects_cannot_be_written(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TicketFileError, match="cannot be written"):
        check_tickets(write(["text"], ["路灯"]), IDENTITY, rejects=tmp_path / "file" / "rejects.csv")


def test_progress_runs_up_to_the_whole(write: Write) -> None:
    seen: list[float] = []
    check_tickets(write(["text"], *[[f"路灯{n}"] for n in range(2500)]), IDENTITY, on_progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 3
    assert seen[-1] == 1.0


def _peak_memory(folder: Path, rows: int) -> int:
    path = folder / f"{rows}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("ticket_id,text\n")
        file.writelines(f"{n},{'市民反映路灯不亮' * 50}{n}\n" for n in range(rows))
    tracemalloc.start()
    try:
        assert len(read_tickets(path, IDENTITY).dataset) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    _peak_memory(tmp_path, 1)  # imports and tables that stay
    assert _peak_memory(tmp_path, 6000) < 1.5 * _peak_memory(tmp_path, 1500)
