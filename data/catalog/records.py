"""From the cells of a file to typed entries: what is wrong with a cell is told with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from data.catalog.entry_lists import Located
from data.catalog.faults import Fault
from data.catalog.tables import CHOICE_LABELS, Entry, Field, FieldType, Table

LIST_SEPARATOR = "|"
"""Joins the items of a list in one cell; no name may hold it."""

Value = str | tuple[str, ...] | date | int | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a file holds at one place: a text, a list of texts, or neither (`kind` says what instead)."""

    where: str
    value: str | tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as it stands in a file, by field name."""

    where: str
    cells: Mapping[str, Cell]


class FaultyCellError(ValueError):
    """A cell cannot be read as its field's type; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def read_entries(
    table: Table, records: Iterable[Record], faults: list[Fault], *, labels: bool
) -> list[Located[Any]]:
    """Turn records into entries of the table's type; add a fault for each cell that cannot be read.

    A faulty cell counts as left out, so that the entry is still there for others to refer to; without a
    required field there is no entry. `labels` says that choices are written by their Chinese label and
    lists as one text, as in a workbook.
    """
    required = {field.name for field in table.fields if field.required}
    entries: list[Located[Any]] = []
    for record in records:
        values = read_fields(table.fields, record, faults, labels=labels)
        if required <= values.keys():
            where = {name: cell.where for name, cell in record.cells.items()}
            entries.append(Located(table.entry(**values), record.where, where))
    return entries


def read_fields(
    fields: Sequence[Field], record: Record, faults: list[Fault], *, labels: bool
) -> dict[str, Any]:
    """Return the values of a record by field name, without those that are left out or faulty."""
    known = {field.name: field for field in fields}
    values: dict[str, Any] = {}
    faulty: set[str] = set()
    for name, cell in record.cells.items():
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.6)
            fix = f"Did you mean {near[0]!r}?" if near else f"Known keys are {', '.join(known)}"
            faults.append(Fault(cell.where, f"unknown key {name!r}", fix))
            continue
        try:
            value = _read_cell(known[name], cell, labels=labels)
        except FaultyCellError as error:
            faults.append(error.fault)
            faulty.add(name)
            continue
        if value not in (None, "", ()):
            values[name] = value
    for field in fields:
        if field.required and field.name not in values and field.name not in faulty:
            at = record.cells[field.name].where if field.name in record.cells else record.where
            faults.append(Fault(at, f"{field.header if labels else field.name} is missing", "Fill it in"))
    return values


def _read_cell(field: Field, cell: Cell, *, labels: bool) -> Value:
    label = field.header if labels else field.name
    if cell.kind:
        expected = "a list of texts" if field.kind is FieldType.LIST else "a text"
        raise FaultyCellError(Fault(cell.where, f"{label} is {cell.kind}", f"Write {expected}"))
    if field.kind is FieldType.LIST:
        return _read_list(field, cell, label, labels=labels)
    if isinstance(cell.value, tuple):
        raise FaultyCellError(Fault(cell.where, f"{label} is a list", "Write one value"))
    text = _clean(cell.value)
    _refuse_control_characters(text, cell.where, label)
    if not text:
        return None
    if field.kind is FieldType.DATE:
        return _read_date(text, cell.where, label)
    if field.kind is FieldType.HOURS:
        return _read_hours(text, cell.where, label)
    if field.choices is not None:
        return _read_choice(field.choices, text, cell.where, label, labels=labels)
    return text


def _read_list(field: Field, cell: Cell, label: str, *, labels: bool) -> tuple[str, ...]:
    if isinstance(cell.value, tuple):
        items = cell.value
    elif labels:
        items = tuple(cell.value.split(LIST_SEPARATOR))
    elif cell.value.strip():
        raise FaultyCellError(
            Fault(cell.where, f"{label} is one text", f"Write a list: [{cell.value.strip()}]")
        )
    else:
        items = ()
    for item in items:
        _refuse_control_characters(item.strip(), cell.where, label)
        if LIST_SEPARATOR in item:
            raise FaultyCellError(
                Fault(
                    cell.where,
                    f"{field.name} holds {LIST_SEPARATOR!r}",
                    "It separates names in tables: leave it out",
                )
            )
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _refuse_control_characters(text: str, where: str, label: str) -> None:
    if any(unicodedata.category(char) in {"Cc", "Cs", "Cn"} and char not in "\n\t" for char in text):
        raise FaultyCellError(Fault(where, f"{label} holds a control character", "Type the text anew"))


def _read_date(text: str, where: str, label: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise FaultyCellError(
            Fault(where, f"{label} {text!r} is no date", "Write it as 2018-05-01")
        ) from None


def _read_hours(text: str, where: str, label: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:9]) <= 100_000:
        raise FaultyCellError(
            Fault(where, f"{label} {text!r} is no number of hours", "Write a whole number from 1 up")
        )
    return int(text)


def _read_choice(choices: type[StrEnum], text: str, where: str, label: str, *, labels: bool) -> StrEnum:
    by_text = {choice.value: choice for choice in choices}
    shown = [CHOICE_LABELS[choice.value] for choice in choices] if labels else list(by_text)
    if labels:
        by_text |= {CHOICE_LABELS[choice.value]: choice for choice in choices}
    if text not in by_text:
        raise FaultyCellError(Fault(where, f"unknown {label} {text!r}", f"Write one of {', '.join(shown)}"))
    return by_text[text]


def write_fields(table: Table, entry: Entry) -> dict[str, Value]:
    """Return the fields of an entry that are not at their default, in the table's order."""
    values: dict[str, Value] = {}
    for field in table.fields:
        value = getattr(entry, field.name)
        if value not in (None, "", ()) and not (field.name == "mode" and value == "direct"):
            values[field.name] = value.value if isinstance(value, StrEnum) else value
    return values
