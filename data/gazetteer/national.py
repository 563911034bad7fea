"""The national table of places that the package `jionlp` (Apache-2.0) ships.

Its file `china_location` is a tree indented by tabs: province, city, district, street or town, community.
The upper three levels carry their administrative code and a short name. jionlp itself is never imported:
only its data files are read.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from data.gazetteer.errors import GazetteerError, UnknownCityError

_DIRECT = re.compile(r"^(?:省|市|自治区)直辖")
_PREFECTURE_LINE = re.compile(r"^\t([^\t\n]+)\t(\d{6})\t([^\t\n]+)$", re.MULTILINE)
_COUNTY_LINE = re.compile(r"^\t\t([^\t\n]+)\t(\d{6})\t([^\t\n]+)$", re.MULTILINE)


@dataclass(slots=True)
class Node:
    """A place of the table. `code` and `short` are empty below the district."""

    name: str
    code: str = ""
    short: str = ""
    children: dict[str, Node] = field(default_factory=dict)


def table_version() -> str:
    """Return the version of the package that ships the table."""
    return f"jionlp {version('jionlp')}"


def city_tree(city: str) -> Node:
    """Return the tree of one city: a prefecture-level city, a municipality or a county-level city.

    Raises:
        UnknownCityError: no city of that name; carries the nearest names.
        GazetteerError: several counties share the name, or jionlp is not installed.
    """
    table = _table()
    start = _find_city(city, table)
    block: list[str] = []
    lines = _lines_from(table, start)
    head = next(lines)
    depth = _depth(head)
    for line in lines:
        if _depth(line) <= depth:
            break
        block.append(line)
    root = _node(head)
    open_nodes = [root]
    for line in block:
        level = _depth(line) - depth
        node = _node(line)
        del open_nodes[level:]
        node = open_nodes[-1].children.setdefault(node.name, node)
        open_nodes.append(node)
    for name in [name for name in root.children if _DIRECT.match(name)]:
        root.children |= root.children.pop(name).children
    return root


def prefecture_names() -> tuple[str, ...]:
    """Return every prefecture-level city and municipality of the country, in the order of the table."""
    names = (match[1] for match in _PREFECTURE_LINE.finditer(_table()))
    return tuple(dict.fromkeys(name for name in names if not _DIRECT.match(name)))


def past_names(city: str) -> Mapping[str, str]:
    """Return what districts of a city were called before: old name -> name now (新津县 -> 新津区)."""
    renames: dict[str, str] = {}
    for line in _read("china_location_change.txt").splitlines():
        before, arrow, after = line.partition("=>")
        old, new = before.split("\t"), after.split("\t")
        if arrow and len(old) >= 7 and len(new) == 3 and new[1] == city:
            renames[old[6]] = new[2].strip()
    return renames


def _find_city(city: str, table: str) -> int:
    """Return where the line of a city starts in the table."""
    for name in dict.fromkeys((city, f"{city}市")):
        prefecture = re.compile(rf"^\t{re.escape(name)}\t\d", re.MULTILINE).search(table)
        if prefecture and not _DIRECT.match(name):
            return prefecture.start()
        counties = list(re.compile(rf"^\t\t{re.escape(name)}\t\d", re.MULTILINE).finditer(table))
        if len(counties) > 1:
            raise GazetteerError(
                f"{len(counties)} places of the national table are called {name!r}",
                expected="a city whose name is its own",
                fix="Build the gazetteer of the city above it",
            )
        if counties:
            return counties[0].start()
    names = [match[1] for line in (_PREFECTURE_LINE, _COUNTY_LINE) for match in line.finditer(table)]
    raise UnknownCityError(city, _nearest(city, names))


def _nearest(city: str, names: list[str]) -> tuple[str, ...]:
    """Return up to three names that look like one, those that share most characters at their places first."""
    order = {name: place for place, name in enumerate(dict.fromkeys(names))}
    close = difflib.get_close_matches(city, order, n=50, cutoff=0.4)
    alike = {name: sum(a == b for a, b in zip(name, city, strict=False)) for name in close}
    return tuple(sorted(close, key=lambda name: (-alike[name], order[name]))[:3])


def _lines_from(table: str, start: int) -> Iterator[str]:
    while start < len(table):
        end = table.find("\n", start)
        end = len(table) if end < 0 else end
        yield table[start:end]
        start = end + 1


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def _node(line: str) -> Node:
    name, code, short = (*line.strip().split("\t"), "", "")[:3]
    return Node(name, code, short)


@lru_cache(maxsize=1)
def _table() -> str:
    return _read("china_location.txt")


def _read(name: str) -> str:
    """Return the text of one of jionlp's data files, unpacked or zipped as the package ships it."""
    spec = importlib.util.find_spec("jionlp")
    if spec is None or not spec.submodule_search_locations:
        raise GazetteerError(
            "the national table is not installed",
            expected="the package jionlp",
            fix="pip install 'paidan[train]'",
        )
    folder = Path(spec.submodule_search_locations[0]) / "dictionary"
    packed = (folder / name).with_suffix(".zip")
    try:
        if packed.exists():
            with zipfile.ZipFile(packed) as archive:
                return archive.read(name).decode("utf-8")
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as fault:
        raise GazetteerError(
            "the national table cannot be read", where=str(folder / name), fix="Install jionlp again"
        ) from fault
