"""Writing a catalog as a workbook for officials: Chinese headers, frozen head rows, drop-down lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from data.catalog.catalog import Catalog
from data.catalog.faults import CatalogError, Fault
from data.catalog.records import LIST_SEPARATOR, Value, write_fields
from data.catalog.tables import (
    CHOICE_LABELS,
    DEPARTMENTS,
    FAMILIES,
    HEAD_COLUMNS,
    HEAD_SHEET,
    ISSUE_CATEGORIES,
    JURISDICTIONS,
    RULES,
    SCENARIOS,
    WORKBOOK_HEAD_FIELDS,
    Entry,
    Field,
    FieldType,
    Table,
)
from data.whole_file import replacing

_LONGEST_CELL = 32_767
_SPARE_ROWS = 2_000
"""How far below the last entry the drop-down lists reach."""
_HEAD_WIDTHS = (16, 60, 60)
_NOTES = (
    "别名、关键词、前身、协办等多个值写在一格里，用 | 分隔",
    "单位类型、管辖层级、派单方式请从下拉列表中选",
    "不要改动各表第一行；停用的单位填失效日期，不要删除",
)


def save_workbook(catalog: Catalog, path: Path) -> None:
    """Write a catalog as a workbook; a file that was there is replaced only once the new one is whole.

    Raises:
        CatalogError: a text is longer than a cell can be, or the file cannot be written.
    """
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    _write_head(first, catalog)
    entries: dict[Table, Iterable[Entry]] = {
        FAMILIES: catalog.families.values(),
        DEPARTMENTS: catalog.departments.values(),
        ISSUE_CATEGORIES: catalog.issue_categories.values(),
        RULES: catalog.rules,
        SCENARIOS: catalog.scenarios,
        JURISDICTIONS: catalog.gazetteer,
    }
    faults: list[Fault] = []
    for table, rows in entries.items():
        _write_table(
            book.create_sheet(table.sheet), table, [write_fields(table, row) for row in rows], faults
        )
    if faults:
        raise CatalogError(faults, where=str(path))
    try:
        with replacing(path) as draft:
            book.save(draft)
    except OSError as error:
        fault = Fault(str(path), f"cannot be written ({error.strerror})", "What was there is unchanged")
        raise CatalogError([fault]) from error


def _write_head(sheet: Worksheet, catalog: Catalog) -> None:
    sheet.title = HEAD_SHEET
    values = (
        catalog.city,
        catalog.version,
        catalog.description,
        catalog.gazetteer.source,
        catalog.gazetteer.version,
    )
    for column, (header, width) in enumerate(zip(HEAD_COLUMNS, _HEAD_WIDTHS, strict=True), 1):
        _write_header(sheet, column, header, width)
    for row, (field, value) in enumerate(zip(WORKBOOK_HEAD_FIELDS, values, strict=True), 2):
        _write_text(sheet, row, 1, field.header)
        _write_text(sheet, row, 2, value)
    for row, note in enumerate(_NOTES, 2):
        _write_text(sheet, row, 3, note)
    sheet.freeze_panes = "A2"


def _write_table(
    sheet: Worksheet, table: Table, rows: Sequence[Mapping[str, Value]], faults: list[Fault]
) -> None:
    for column, field in enumerate(table.fields, 1):
        _write_header(sheet, column, field.header, field.width)
        if field.choices is not None:
            _add_choices(sheet, column, field, len(rows) + _SPARE_ROWS)
    for number, row in enumerate(rows, 2):
        for column, field in enumerate(table.fields, 1):
            value = row.get(field.name)
            if field.kind in {FieldType.DATE, FieldType.HOURS}:
                cell = sheet.cell(number, column, value)  # type: ignore[arg-type]
                cell.number_format = "yyyy-mm-dd" if field.kind is FieldType.DATE else "0"
                continue
            text = _text(field, value)
            if len(text) > _LONGEST_CELL:
                where = f"{table.sheet}!{get_column_letter(column)}{number}"
                faults.append(
                    Fault(where, f"{field.name} has {len(text)} characters", "Shorten it to 32,767")
                )
            _write_text(sheet, number, column, text)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.fields))}{max(len(rows) + 1, 2)}"


def _text(field: Field, value: Value) -> str:
    if isinstance(value, tuple):
        return LIST_SEPARATOR.join(value)
    if value is None:
        return ""
    return CHOICE_LABELS[str(value)] if field.choices is not None else str(value)


def _write_header(sheet: Worksheet, column: int, header: str, width: int) -> None:
    cell = sheet.cell(1, column, header)
    cell.font = Font(bold=True)
    sheet.column_dimensions[get_column_letter(column)].width = width


def _write_text(sheet: Worksheet, row: int, column: int, text: str) -> None:
    """Write a text as text, whatever it looks like: no formula, no number, no date."""
    cell = sheet.cell(row, column)
    cell.number_format = "@"
    cell.alignment = Alignment(wrap_text=len(text) > 40, vertical="top")
    if text:
        cell.value = text
        cell.data_type = "s"
        if text.startswith(("=", "+", "-", "@")):
            cell.quotePrefix = True


def _add_choices(sheet: Worksheet, column: int, field: Field, last_row: int) -> None:
    labels = ",".join(CHOICE_LABELS[choice.value] for choice in field.choices or ())
    choices = DataValidation(type="list", formula1=f'"{labels}"', allow_blank=not field.required)
    choices.errorTitle, choices.error = field.header, f"请从列表中选择：{labels}"
    choices.showErrorMessage = True
    letter = get_column_letter(column)
    choices.add(f"{letter}2:{letter}{last_row}")
    sheet.add_data_validation(choices)
