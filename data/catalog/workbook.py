"""Reading a catalog from a workbook: every value keeps its sheet and cell."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from data.catalog.faults import Fault
from data.catalog.read import ReadCatalog, assemble
from data.catalog.records import Cell, Record, read_entries, read_fields
from data.catalog.tables import (
    HEAD_COLUMNS,
    HEAD_FIELDS,
    HEAD_SHEET,
    JURISDICTIONS,
    WORKBOOK_HEAD_FIELDS,
    YAML_TABLES,
    Table,
)
from data.gazetteer.errors import GazetteerError
from data.gazetteer.gazetteer import Gazetteer


@dataclass(frozen=True, slots=True)
class SheetValue:
    """What a cell holds, and as what, by openpyxl's letter: s text, n number, d date, f formula, e error."""

    value: object
    data_type: str


def read_workbook(path: Path) -> ReadCatalog:
    """Read a workbook, and all that is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions that it leaves out
            book = load_workbook(path, read_only=True)
    except Exception as error:  # openpyxl raises whatever its parsers do
        return _unreadable(path, error)
    try:
        return _read(path, book)
    except _BrokenSheet as broken:
        return _unreadable(path, broken.error)
    finally:
        book.close()


class _BrokenSheet(Exception):
    """What openpyxl raised while it parsed a sheet, which it does when its rows are asked for."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _unreadable(path: Path, error: Exception) -> ReadCatalog:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a workbook, or broken"
    fault = Fault(str(path), f"cannot be read ({reason})", "Save it anew as an Excel workbook (.xlsx)")
    return ReadCatalog(path, None, (fault,))


def _read(path: Path, book: Workbook) -> ReadCatalog:
    faults: list[Fault] = []
    head = _read_head(path, book, faults)
    tables = {table: _read_sheet(path, book, table, faults) for table in YAML_TABLES}
    gazetteer = _read_gazetteer(path, book, head, faults)
    if head is not None:
        names = {field.name for field in HEAD_FIELDS}
        head = Record(head.where, {name: cell for name, cell in head.cells.items() if name in names})
    return assemble(path, head, tables, gazetteer, faults, labels=True)


def _read_head(path: Path, book: Workbook, faults: list[Fault]) -> Record | None:
    if HEAD_SHEET not in book.sheetnames:
        faults.append(_no_sheet(path, HEAD_SHEET))
        return None
    fields = {field.header: field.name for field in WORKBOOK_HEAD_FIELDS}
    where = f"{path} {HEAD_SHEET}"
    cells: dict[str, Cell] = {}
    for row, values in _rows(book, HEAD_SHEET):
        if 1 not in values or values[1].value == HEAD_COLUMNS[0]:
            continue
        item = str(values[1].value).strip()
        if item not in fields:
            faults.append(
                Fault(f"{where}!A{row}", f"unknown item {item!r}", f"Known are {', '.join(fields)}")
            )
        elif 2 in values:
            cells[fields[item]] = _as_cell(f"{where}!B{row}", values[2])
    return Record(where, cells)


def _read_sheet(path: Path, book: Workbook, table: Table, faults: list[Fault]) -> list[Record] | None:
    """Return the rows of a table's sheet; None, and a fault, if its header cannot be used."""
    if table.sheet not in book.sheetnames:
        if table.optional:
            return []
        faults.append(_no_sheet(path, table.sheet))
        return None
    where = f"{path} {table.sheet}"
    columns: dict[int, str | None] | None = None
    records: list[Record] = []
    for row, values in _rows(book, table.sheet):
        if columns is None:
            columns = _read_header(table, where, row, values, faults)
            if columns is None:
                return None
            continue
        cells = {}
        for column, value in values.items():
            at = f"{where}!{get_column_letter(column)}{row}"
            if column not in columns:
                faults.append(Fault(at, "a value without a header", "Remove it, or name the column in row 1"))
            elif (name := columns[column]) is not None:
                cells[name] = _as_cell(at, value)
        if cells:
            records.append(Record(f"{where}!A{row}", cells))
    if columns is None:
        faults.append(Fault(f"{where}!A1", "the header row is missing", _header_fix(table)))
        return None
    return records


def _read_header(
    table: Table, where: str, row: int, values: dict[int, SheetValue], faults: list[Fault]
) -> dict[int, str | None] | None:
    """Return the field of each column, None for an unknown one; None for all if a required one is missing."""
    names = {field.header: field.name for field in table.fields}
    columns: dict[int, str | None] = {}
    for column, value in values.items():
        at = f"{where}!{get_column_letter(column)}{row}"
        header = str(_as_cell(at, value).value).strip()
        name = names.get(header)
        columns[column] = None
        if name is None:
            near = get_close_matches(header, names, n=1, cutoff=0.5)
            fix = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(names)}"
            faults.append(Fault(at, f"unknown column {header!r}", fix))
        elif name in columns.values():
            faults.append(Fault(at, f"the column {header!r} is there twice", "Remove one of them"))
        else:
            columns[column] = name
    missing = [
        field.header for field in table.fields if field.required and field.name not in columns.values()
    ]
    for header in missing:
        faults.append(Fault(f"{where}!A{row}", f"the column {header!r} is missing", _header_fix(table)))
    return None if missing else columns


def _header_fix(table: Table) -> str:
    return f"The headers are {', '.join(field.header for field in table.fields)}"


def _read_gazetteer(path: Path, book: Workbook, head: Record | None, faults: list[Fault]) -> Gazetteer | None:
    records = _read_sheet(path, book, JURISDICTIONS, faults)
    if records is None:
        return None
    before = len(faults)
    rows = read_entries(JURISDICTIONS, records, faults, labels=True)
    texts = read_fields(WORKBOOK_HEAD_FIELDS, head, [], labels=True) if head is not None else {}
    if len(faults) > before:
        return None
    try:
        return Gazetteer.from_records(
            (row.value for row in rows),
            source=texts.get("source", ""),
            version=texts.get("gazetteer_version", ""),
            where=[row.where for row in rows],
        )
    except GazetteerError as error:
        fix = error.fix or f"Expected {error.expected}"
        faults.append(Fault(error.where or f"{path} {JURISDICTIONS.sheet}", error.what, fix))
        return None


def _no_sheet(path: Path, sheet: str) -> Fault:
    return Fault(f"{path} {sheet}", "the sheet is missing", "Add it; with its header row alone it is empty")


def _rows(book: Workbook, sheet: str) -> Iterator[tuple[int, dict[int, SheetValue]]]:
    """Yield the number of each row that is not empty, and its values by column."""
    for number, row in enumerate(_parsed(book, sheet), 1):
        values = {
            column: SheetValue(cell.value, str(cell.data_type))
            for column, cell in enumerate(row, 1)
            if cell.value is not None and str(cell.value).strip()
        }
        if values:
            yield number, values


def _parsed(book: Workbook, sheet: str) -> Iterator[tuple[Any, ...]]:
    """Yield a sheet's rows of cells; raise _BrokenSheet for what openpyxl raises, and for nothing of ours."""
    try:
        cells: Any = book[sheet]
        cells.reset_dimensions()  # some programs write a wrong size into the sheet
        rows = cells.iter_rows()
    except Exception as error:  # it raises whatever its parsers do
        raise _BrokenSheet(error) from error
    while True:
        try:
            row = next(rows, None)
        except Exception as error:
            raise _BrokenSheet(error) from error
        if row is None:
            return
        yield row


def _as_cell(where: str, value: SheetValue) -> Cell:
    """Return a value as the text that a person would see in the cell."""
    if value.data_type == "f":
        return Cell(where, "", "a formula")
    if value.data_type == "e":
        return Cell(where, "", f"an error, {value.value}")
    if isinstance(value.value, datetime):
        midnight = value.value.replace(hour=0, minute=0, second=0, microsecond=0)
        return Cell(
            where, midnight.date().isoformat() if value.value == midnight else value.value.isoformat()
        )
    if isinstance(value.value, float) and value.value.is_integer():
        return Cell(where, str(int(value.value)))
    return Cell(where, str(value.value))
