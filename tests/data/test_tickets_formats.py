from __future__ import annotations

import gzip
import random
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.reading import iter_tickets
from data.tickets.rejects import Reject
from data.tickets.source import TicketFileError
from data.tickets.ticket import Location, Ticket

CSV = "ticket_id,text,created_at\n1,路灯不亮,2018/5/1 13:22\n2,小区积水,2018年5月2日\n"
EXPECTED = [
    Ticket("1", "路灯不亮", created_at=datetime(2018, 5, 1, 13, 22)),
    Ticket("2", "小区积水", created_at=datetime(2018, 5, 2)),
]


def read(path: Path, **columns: object) -> list[Ticket | Reject]:
    mapping = ColumnMapping.from_dict(columns) if columns else ColumnMapping.identity()
    return list(iter_tickets(path, mapping))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf8.csv", CSV.encode()),
        ("bom.csv", CSV.encode("utf-8-sig")),
        ("gb.csv", CSV.encode("gb18030")),
        ("utf16.csv", CSV.encode("utf-16")),
        ("packed.csv.gz", gzip.compress(CSV.encode())),
        ("packed_gb.csv.gz", gzip.compress(CSV.encode("gb18030"))),
        ("packed_unsaid.csv", gzip.compress(CSV.encode())),
        ("tabs.tsv", CSV.replace(",", "\t").encode()),
        ("semicolons.csv", CSV.replace(",", ";").encode()),
        ("windows.csv", CSV.replace("\n", "\r\n").encode()),
        ("UPPER.CSV", CSV.encode()),
    ],
)
def test_reads_csv_however_it_is_written(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert read(path) == EXPECTED


def test_finds_the_encoding_where_the_beginning_is_ascii(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_bytes(
        b"ticket_id,text\n"
        + b"0,street lamp\n" * 1000
        + b"0,"
        + b"x" * (1 << 19)
        + b"\n"
        + "1,路灯不亮\n".encode("gb18030")
    )
    *_, last = iter_tickets(path, ColumnMapping.identity())
    assert last == Ticket("1", "路灯不亮")


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text('\nticket_id,text\n1,"路灯\n不亮"\n\n,\n2,\n', "utf-8")
    tickets = read(path)
    assert [getattr(item, "row", None) for item in tickets] == [None, 6]


def test_rows_with_another_number_of_fields_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "fields.csv"
    path.write_text("ticket_id,text\n1,路灯,不亮\n2\n3,积水\n", "utf-8")
    first, second, third = read(path)
    assert (first.reason, second.reason) == ("broken_row", "broken_row")
    assert third == Ticket("3", "积水")


def test_a_quote_that_never_closes_does_not_swallow_rows_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "quote.csv"
    path.write_text('ticket_id,text\n1,路灯\n2,"积水\n3,噪音\n', "utf-8")
    first, second = read(path)
    assert first == Ticket("1", "路灯")
    assert second.reason == "broken_row"
    assert "quote" in second.detail


def test_reading_goes_on_after_a_field_that_is_far_too_long(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("ticket_id,text\n1," + "长" * 200_000 + "\n2,积水\n", "utf-8")
    first, second = read(path)
    assert first.reason == "broken_row"
    assert second == Ticket("2", "积水")


def test_bytes_that_are_no_characters_cost_their_row_only(tmp_path: Path) -> None:
    path = tmp_path / "bytes.csv"
    path.write_bytes(b"ticket_id,text\n" + "1,路灯不亮很久\n".encode() + b"2,\xe8\xb7\n" + "3,积水".encode())
    *_, second, third = read(path)
    assert (second.reason, second.column) == ("undecodable", "text")
    assert third == Ticket("3", "积水")


def test_reads_jsonl_in_the_shape_of_requests(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"ticket_id": "1", "text": " 路灯\\n不亮 ", "created_at": "2018-05-01T13:22:00+08:00",'
        ' "location": {"lon": 110.3, "lat": 20.0}}\n\n{"ticket_id": 2, "text": "积水", "channel": "电话"}\n',
        "utf-8",
    )
    assert read(path) == [
        Ticket("1", " 路灯\n不亮 ", created_at=datetime(2018, 5, 1, 13, 22), location=Location(110.3, 20.0)),
        Ticket("2", "积水", channel="电话"),
    ]


def test_broken_json_lines_are_rejected_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "路灯"}\n{"text": \n[1]\n{"text": ["积水"]}\n{"text": "噪音"}', "utf-8")
    first, *broken, last = read(path)
    assert [(item.row, item.reason) for item in broken] == [(row, "broken_row") for row in (2, 3, 4)]
    assert (first, last) == (Ticket("1", "路灯"), Ticket("5", "噪音"))


def test_reads_jsonl_in_gb18030_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress('{"text": "路灯不亮"}\n'.encode("gb18030")))
    assert read(path) == [Ticket("1", "路灯不亮")]


def test_reads_parquet_with_nested_values(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {
        "ticket_id": [1, 2],
        "text": ["路灯", "积水"],
        "created_at": [datetime(2018, 5, 1), None],
        "location": [{"lon": 110.3, "lat": 20.0}, None],
    }
    pq.write_table(pa.table(table), path)
    assert read(path) == [
        Ticket("1", "路灯", created_at=datetime(2018, 5, 1), location=Location(110.3, 20.0)),
        Ticket("2", "积水"),
    ]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([])
    sheet.append(["ticket_id", "text", "created_at"])
    sheet.append([20180501000001, "路灯", datetime(2018, 5, 1, 13, 22)])
    sheet.append([])
    sheet.append([2.0, "积水", 43221.5])
    sheet.append([3, "噪音", date(2018, 5, 1)])
    sheet.append([4, None, "2018-05-01"])
    other = book.create_sheet("二")
    other.append(["内容"])
    other.append(["垃圾"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    return path


def test_reads_the_first_sheet_of_a_workbook(workbook: Path) -> None:
    *tickets, reject = read(workbook)
    assert tickets == [
        Ticket("20180501000001", "路灯", created_at=datetime(2018, 5, 1, 13, 22)),
        Ticket("2", "积水", created_at=datetime(2018, 5, 1, 12)),
        Ticket("3", "噪音", created_at=datetime(2018, 5, 1)),
    ]
    assert (reject.row, reject.column, reject.reason) == (7, "text", "empty_text")


def test_reads_the_sheet_that_is_named(workbook: Path) -> None:
    assert read(workbook, text="内容", sheet="二") == [Ticket("2", "垃圾")]


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(workbook: Path) -> None:
    with pytest.raises(TicketFileError, match="expected one of Sheet, 二"):
        read(workbook, text="内容", sheet="三")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.xlsx", b"", "is empty"),
        ("a.parquet", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.csv", b" \n\n", "has no header row"),
        ("a.csv", random.Random(0).randbytes(5000), "garbled"),
        ("a.csv", CSV.encode("utf-16-le"), "garbled"),
        ("a.csv", b"PK\x03\x04" + bytes(99), "Rename it to .xlsx"),
        ("a.csv", b"PAR1" + bytes(99), "Rename it to .parquet"),
        ("a.csv.gz", gzip.compress(CSV.encode() * 99)[:-20], "ends in the middle"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00" + bytes(99), "compression is broken"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(99), "encrypted, or an old .xls"),
        ("a.xlsx", b"PK\x03\x04" + bytes(99), "no .xlsx workbook"),
        ("a.parquet", b"PAR1" + bytes(99) + b"PAR1", "no Parquet file"),
        ("a.jsonl", b"hello\nworld\n", "no JSON objects"),
        ("a.doc", b"x", "unknown kind of file '.doc'"),
        ("a", b"x", "unknown kind of file"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TicketFileError) as caught:
        read(path)
    assert said in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["none.csv", "none.xlsx", "none.parquet"])
def test_says_that_there_is_no_such_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(TicketFileError, match="no such file"):
        read(tmp_path / name)


def test_says_that_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TicketFileError, match="is not a file"):
        read(tmp_path)


def _damaged(path: Path, damage: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(damage(path.read_bytes()))
    return path


def test_a_workbook_without_sheets_is_told_so(workbook: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.xlsx"
    with zipfile.ZipFile(workbook) as before, zipfile.ZipFile(bare, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(
                name, re.sub(rb"<sheet [^>]*/>", b"", content) if "workbook.xml" in name else content
            )
    with pytest.raises(TicketFileError, match="no sheet with cells"):
        next(iter_tickets(bare, ColumnMapping.identity()))


def test_a_workbook_that_was_cut_off_is_broken(workbook: Path) -> None:
    with pytest.raises(TicketFileError, match="broken"):
        read(_damaged(workbook, lambda content: content[: len(content) // 2]))


def test_a_parquet_page_that_was_overwritten_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["路灯", "积水"]}), path)
    with pytest.raises(TicketFileError, match="broken"):
        read(_damaged(path, lambda content: content[:4] + b"\xff" * 30 + content[34:]))


def test_wrong_columns_are_told_before_any_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,诉求内容\n1,路灯\n", "utf-8")
    with pytest.raises(ColumnsError, match="编号, 诉求内容"):
        iter_tickets(path, ColumnMapping.identity())


def test_a_parquet_file_with_a_broken_name_of_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tickets.parquet"
    pq.write_table(pa.table({"text": ["a"], "address": ["b"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"address", b"\x9cddress"))
    with pytest.raises(TicketFileError, match="broken one"):
        list(iter_tickets(path, ColumnMapping.from_dict({"text": "text"})))
