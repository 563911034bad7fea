"""YAML files read so that every value keeps the line it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from data.catalog.faults import Fault
from data.catalog.records import Cell, Record, Value
from data.catalog.tables import Table

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_NULL = "tag:yaml.org,2002:null"


def read_mapping(path: Path, faults: list[Fault]) -> Record | None:
    """Read a file that holds one mapping; None, and a fault, if it cannot be read."""
    node = _compose(path, faults)
    if node is None:
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.append(
            Fault(_where(path, node), "the file holds no mapping", "Write lines like `city: 海口市`")
        )
        return None
    return _record(path, node, faults)


def read_list(path: Path, faults: list[Fault]) -> list[Record] | None:
    """Read a file that holds a list of mappings; an empty file is an empty list, an unreadable one None."""
    node = _compose(path, faults)
    if node is None:
        return None
    if _is_null(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        faults.append(Fault(_where(path, node), "the file holds no list", "Begin each entry with `- `"))
        return None
    records = []
    for item in node.value:
        if isinstance(item, yaml.MappingNode):
            records.append(_record(path, item, faults))
        else:
            faults.append(
                Fault(_where(path, item), "an entry is no mapping", "Write lines like `- name: 城管局`")
            )
    return records


def _compose(path: Path, faults: list[Fault]) -> yaml.Node | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        faults.append(Fault(str(path), "the file is missing", "Add it; an empty list is written []"))
        return None
    except UnicodeDecodeError:
        faults.append(Fault(str(path), "the file is not UTF-8 text", "Save it as UTF-8"))
        return None
    except OSError as error:
        faults.append(
            Fault(str(path), f"the file cannot be read ({error.strerror})", "Check the path and its rights")
        )
        return None
    try:
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "nested too deeply"
        where = f"{path} line {mark.line + 1}" if mark else str(path)
        faults.append(
            Fault(where, f"not valid YAML ({problem})", "Check indentation, colons and quotes near that line")
        )
        return None
    return node if node is not None else yaml.ScalarNode(_NULL, "", yaml.Mark("", 0, 0, 0, "", 0))


def _record(path: Path, node: yaml.MappingNode, faults: list[Fault]) -> Record:
    cells: dict[str, Cell] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name in cells:
            faults.append(Fault(_where(path, key), f"the key {name!r} is there twice", "Remove one of them"))
            continue
        cells[name] = _cell(path, value)
    return Record(_where(path, node), cells)


def _cell(path: Path, node: yaml.Node) -> Cell:
    where = _where(path, node)
    if isinstance(node, yaml.ScalarNode):
        return Cell(where, "" if _is_null(node) else node.value)
    if isinstance(node, yaml.MappingNode):
        return Cell(where, "", "a mapping")
    items: list[str] = []
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode):
            return Cell(_where(path, item), "", "a list of lists or mappings")
        items.append("" if _is_null(item) else item.value)
    return Cell(where, tuple(items))


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == _NULL)


def _where(path: Path, node: yaml.Node) -> str:
    return f"{path} line {node.start_mark.line + 1}"


class _Inline(list[str]):
    """A list that is written on one line."""


class _CatalogDumper(_Dumper):  # type: ignore[misc]
    """Writes the short lists of an entry on one line."""


_CatalogDumper.add_representer(
    _Inline,
    lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True),
)


def dump_mapping(values: dict[str, str]) -> str:
    """Return the text of a YAML file that holds one mapping."""
    return _dump(values)


def dump_list(table: Table, rows: Sequence[dict[str, Value]]) -> str:
    """Return the text of a table's YAML file, with the keys named at its head."""
    keys = ", ".join(f"{field.name}（{field.header}）" for field in table.fields)
    plain = [
        {key: _Inline(value) if isinstance(value, tuple) else value for key, value in row.items()}
        for row in rows
    ]
    return f"# {table.sheet}: {keys}\n{_dump(plain)}"


def _dump(content: object) -> str:
    return str(yaml.dump(content, Dumper=_CatalogDumper, allow_unicode=True, sort_keys=False, width=10_000))
