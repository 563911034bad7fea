"""An export as CSV, JSONL, Parquet or XLSX, whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from itertools import islice
from pathlib import Path

import orjson
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from data.errors import PaidanError
from serve.export.columns import HEADERS, ExportRow
from serve.whole_file import WholeFile, write_whole

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The kinds of file that can be written, by ending, and what a browser is told they are."""

_MOST_SHEET_ROWS = 1_048_575  # and the header
_AT_A_TIME = 1000
_WIDTHS = {"text": 60, "title": 24, "address": 24, "department_name": 24, "created_at": 20, "decided_at": 20}
_WIDTH = 14
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportError(PaidanError):
    """The export cannot be made as asked."""


def check_output(output: Path, *, overwrite: bool) -> None:
    """Raise ExportError unless the name ends as a kind of file that we write, and is free or given up."""
    if output.suffix.lower() not in MEDIA_TYPES:
        raise ExportError(
            f"unknown kind of file {output.suffix!r}",
            where=str(output),
            expected=f"one of {', '.join(MEDIA_TYPES)}",
        )
    if output.exists() and not overwrite:
        raise ExportError(
            "is there already", where=str(output), fix="Give another file, or --overwrite to replace it."
        )


def write_rows(rows: Iterable[ExportRow], output: Path) -> None:
    """Write rows into a file of the kind that its name ends in.

    Raises:
        ExportError: a workbook cannot hold so many rows.
        OutputError: the disk does not take it.
    """
    write: Callable[[Iterable[ExportRow], WholeFile], None] = {
        ".csv": _write_csv,
        ".jsonl": _write_jsonl,
        ".parquet": _write_parquet,
        ".xlsx": _write_xlsx,
    }[output.suffix.lower()]
    with write_whole(output) as file:
        write(rows, file)


def _write_csv(rows: Iterable[ExportRow], file: WholeFile) -> None:
    """Write UTF-8 for programs, texts as they are.

    A spreadsheet would take a text that begins with = for a formula. Escaping it would change what is trained
    on, so there is no byte-order mark, which invites Excel: the workbook is for people.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(HEADERS)
    for row in rows:
        writer.writerow(astuple(row))
        if buffer.tell() > 1 << 20:
            _drain(buffer, file)
    _drain(buffer, file)


def _drain(buffer: io.StringIO, file: WholeFile) -> None:
    file.write(buffer.getvalue().encode())
    buffer.seek(0)
    buffer.truncate()


def _write_jsonl(rows: Iterable[ExportRow], file: WholeFile) -> None:
    for row in rows:
        file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _write_parquet(rows: Iterable[ExportRow], file: WholeFile) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
    schema = pa.schema([(f.name, kinds[str(f.type).split(" ")[0]]) for f in fields(ExportRow)])
    remaining = iter(rows)
    with _copied(file) as path, parquet.ParquetWriter(path, schema) as writer:
        while piece := list(islice(remaining, _AT_A_TIME)):
            columns = zip(*map(astuple, piece), strict=True)
            writer.write_table(
                pa.table(
                    [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
                    schema=schema,
                )
            )


def _write_xlsx(rows: Iterable[ExportRow], file: WholeFile) -> None:
    """Write one sheet: header frozen and filterable, texts wrapped, and no cell ever a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("复核结果")
    sheet.freeze_panes = "B2"
    for number, name in enumerate(HEADERS, 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(name, _WIDTH)
    header = []
    for name in HEADERS:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = Font(bold=True)
        header.append(cell)
    sheet.append(header)
    count = 0
    for count, row in enumerate(rows, 1):
        if count > _MOST_SHEET_ROWS:
            raise ExportError(
                f"a sheet holds at most {_MOST_SHEET_ROWS:,} rows",
                where="export",
                fix="Choose a shorter time, or another kind of file.",
            )
        sheet.append([_cell(sheet, value) for value in astuple(row)])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(HEADERS))}{count + 1}"
    with _copied(file) as path:
        book.save(path)


def _cell(sheet: object, value: str | int | float | None) -> Cell:
    cell = WriteOnlyCell(sheet)  # type: ignore[arg-type]
    if isinstance(value, str):
        # Given as a value, "=1+1" would become a formula; the prefix keeps it text when somebody edits it.
        cell._value, cell.data_type = ILLEGAL_CHARACTERS_RE.sub("", value), "s"  # type: ignore[attr-defined]
        cell.quotePrefix = value.startswith(_FORMULA)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    else:
        cell.value = value
    return cell


@contextmanager
def _copied(file: WholeFile) -> Iterator[Path]:
    """Give a path for a writer that wants to move about in its file; what it wrote goes to `file`."""
    handle, name = tempfile.mkstemp(prefix="paidan-export-")
    os.close(handle)
    path = Path(name)
    try:
        yield path
        with path.open("rb") as made:
            while piece := made.read(1 << 20):
                file.write(piece)
    finally:
        path.unlink(missing_ok=True)
