"""A gazetteer on disk: `gazetteer.yaml` {city, source, version} beside `jurisdictions.csv`."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from data.gazetteer.errors import GazetteerError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.yaml_settings import BAD_YAML

if TYPE_CHECKING:
    import _csv

COLUMNS = ("code", "name", "level", "parent", "aliases")
"""The header of `jurisdictions.csv`; aliases are joined by `|`."""

_HEAD, _TABLE = "gazetteer.yaml", "jurisdictions.csv"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a jurisdictions file, with the place it stands at."""

    jurisdiction: Jurisdiction
    where: str


def load_gazetteer(folder: Path) -> Gazetteer:
    """Read a gazetteer folder.

    Raises:
        GazetteerError: a file is missing or unreadable, or the areas do not form a tree.
    """
    head_file = folder / _HEAD
    try:
        head = yaml.safe_load(_read(head_file))
    except BAD_YAML:
        raise GazetteerError("not YAML", where=str(head_file), expected="city, source and version") from None
    if not isinstance(head, dict) or not isinstance(head.get("city"), str):
        raise GazetteerError("no `city:`", where=str(head_file), expected="city, source and version")
    rows = list(read_rows(folder / _TABLE))
    gazetteer = Gazetteer.from_records(
        (row.jurisdiction for row in rows),
        source=str(head.get("source") or ""),
        version=str(head.get("version") or ""),
        where=[row.where for row in rows],
    )
    if gazetteer.city.name != head["city"]:
        raise GazetteerError(
            f"city is {head['city']!r}, but {_TABLE} is about {gazetteer.city.name!r}",
            where=str(head_file),
            expected="one city in both files",
        )
    return gazetteer


def read_rows(file: Path) -> Iterator[Row]:
    """Yield the areas of a jurisdictions CSV one by one, unchecked against each other.

    Raises:
        GazetteerError: unreadable, wrong header, unknown level; names the line.
    """
    reader = csv.reader(io.StringIO(_read(file)))
    try:
        yield from _rows(reader, file)
    except csv.Error as fault:
        raise GazetteerError(f"no CSV ({fault})", where=f"{file} line {reader.line_num}") from fault


def _rows(reader: _csv.Reader, file: Path) -> Iterator[Row]:
    header = [cell.strip() for cell in next(reader, [])]
    if header != list(COLUMNS):
        raise GazetteerError(
            f"the columns are {','.join(header) or 'missing'}",
            where=f"{file} line 1",
            expected=",".join(COLUMNS),
        )
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{file} line {reader.line_num}"
        if len(cells) != len(COLUMNS):
            raise GazetteerError(f"{len(cells)} cells", where=where, expected=f"{len(COLUMNS)} cells")
        code, name, level, parent, aliases = (cell.strip() for cell in cells)
        if level not in set(JurisdictionLevel):
            raise GazetteerError(f"level {level!r}", where=where, expected=" | ".join(JurisdictionLevel))
        names = dict.fromkeys(alias.strip() for alias in aliases.split("|"))
        names.pop("", None)
        names.pop(name, None)
        yield Row(Jurisdiction(code, name, JurisdictionLevel(level), parent or None, tuple(names)), where)


def save_gazetteer(gazetteer: Gazetteer, folder: Path) -> None:
    """Write both files; each is whole or as it was before, whatever happens midway."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for area in gazetteer:
        writer.writerow((area.code, area.name, area.level.value, area.parent or "", "|".join(area.aliases)))
    head = {"city": gazetteer.city.name, "source": gazetteer.source, "version": gazetteer.version}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _TABLE, table.getvalue())
        _write(folder / _HEAD, yaml.safe_dump(head, allow_unicode=True, sort_keys=False))
    except OSError as fault:
        raise GazetteerError(
            f"cannot be written ({fault.strerror})", where=str(folder), fix="What was there is unchanged"
        ) from fault


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as fault:
        raise GazetteerError(
            f"cannot be read ({fault.strerror})",
            where=str(file),
            fix="Make a gazetteer with `paidan gazetteer build --city NAME --output DIR`",
        ) from fault
    except UnicodeDecodeError as fault:
        raise GazetteerError("not UTF-8 text", where=str(file), expected="a CSV file in UTF-8") from fault


def _write(file: Path, content: str) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(content, encoding="utf-8", newline="")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
