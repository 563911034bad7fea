"""A city's gazetteer from the national table, its renames and nicknames, and a file of extras."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from data.gazetteer.errors import GazetteerError
from data.gazetteer.folder import Row, read_rows
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.gazetteer.names import derive_aliases
from data.gazetteer.national import Node, city_tree, past_names, table_version

_HERE = Path(__file__).parent


def build_gazetteer(city: str, *, extra: Path | None = None) -> Gazetteer:
    """Build the gazetteer of a city: districts, streets and towns, communities, and the names they go by.

    `extra` is a CSV in the format of `jurisdictions.csv`. A line whose code exists renames that area (the
    old name becomes an alias); other lines are added. Their code may be empty, and `parent` may be a name.

    Raises:
        UnknownCityError: the national table has no such city.
        GazetteerError: a fault in the extras, by line; or jionlp is missing.
    """
    root = city_tree(city)
    areas: dict[str, Jurisdiction] = {}
    _add(root, None, JurisdictionLevel.CITY, areas, root.short)
    _add_names(areas, _past_and_other_names(root.name))
    where = {code: f"national table, {area.name}" for code, area in areas.items()}
    if extra is not None:
        _add_extras(read_rows(extra), areas, where)
    return Gazetteer.from_records(
        areas.values(), source=table_version(), version="", where=[where[code] for code in areas]
    )


def synthesised_code(parent: str, name: str) -> str:
    """Return a stable code for an area that has no official one: its parent's code and a hash of its name."""
    return f"{parent}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _add(
    node: Node, parent: str | None, level: JurisdictionLevel, areas: dict[str, Jurisdiction], city_stem: str
) -> None:
    code = node.code or synthesised_code(parent or "", node.name)
    given = (node.short,) if len(node.short) > 1 else ()
    aliases = derive_aliases(node.name, level, city_stem=city_stem, given=given)
    areas[code] = Jurisdiction(code, node.name, level, parent, aliases)
    for child in node.children.values():
        _add(child, code, _level_below(level, child), areas, city_stem)


def _level_below(level: JurisdictionLevel, child: Node) -> JurisdictionLevel:
    """Tell a child's level; only districts carry an official code, so a city's other children are streets."""
    if level is JurisdictionLevel.CITY and child.code:
        return JurisdictionLevel.DISTRICT
    return (
        JurisdictionLevel.COMMUNITY
        if level is JurisdictionLevel.SUBDISTRICT
        else JurisdictionLevel.SUBDISTRICT
    )


@cache
def _named_file(name: str) -> Mapping[str, Mapping[str, str | list[str]]]:
    with (_HERE / name).open(encoding="utf-8") as lines:
        content: Mapping[str, Mapping[str, str | list[str]]] = yaml.safe_load(lines)
    return content


def _past_and_other_names(city: str) -> list[tuple[str, str]]:
    """Return (area, further name) pairs of a city; an area is a name, or `district/street` where need be."""
    pairs = [(new, old) for old, new in past_names(city).items()]
    pairs += [(str(new), old) for old, new in _named_file("renames.yaml").get(city, {}).items()]
    for area, names in _named_file("nicknames.yaml").get(city, {}).items():
        pairs += [(area, name) for name in names]
    return pairs


def _add_names(areas: dict[str, Jurisdiction], pairs: Iterable[tuple[str, str]]) -> None:
    """Add aliases. A name that an area of the table still bears as its own is nobody's former name."""
    taken = {area.name for area in areas.values() if area.level is not JurisdictionLevel.COMMUNITY}
    for path, name in pairs:
        code = _find(path, areas)
        if code is None or name in taken:
            continue
        area = areas[code]
        stems = derive_aliases(name, area.level) if _is_official(name) else ()
        names = dict.fromkeys((*area.aliases, name, *stems))
        areas[code] = replace(area, aliases=tuple(alias for alias in names if alias != area.name))


def _is_official(name: str) -> bool:
    """Tell a former official name, which has a stem of its own, from a nickname."""
    return name.endswith(("区", "县", "街道", "镇", "乡"))


def _find(path: str, areas: Mapping[str, Jurisdiction]) -> str | None:
    """Return the code of the area that a name or a `district/street` path means, if there is just one."""
    *above, name = path.split("/")
    codes = [code for code, area in areas.items() if area.name == name]
    if above:
        codes = [code for code in codes if above[-1] in _names_above(code, areas)]
    elif len(codes) > 1:
        codes = [code for code in codes if areas[code].level is not JurisdictionLevel.COMMUNITY]
    return codes[0] if len(codes) == 1 else None


def _names_above(code: str, areas: Mapping[str, Jurisdiction]) -> set[str]:
    names: set[str] = set()
    at = areas[code].parent
    while at is not None and areas[at].name not in names:
        names.add(areas[at].name)
        at = areas[at].parent
    return names


def _add_extras(rows: Iterable[Row], areas: dict[str, Jurisdiction], where: dict[str, str]) -> None:
    city_stem = next(iter(areas.values())).aliases[:1]
    for row in rows:
        area = row.jurisdiction
        if area.parent is not None and area.parent not in areas:
            area = replace(area, parent=_find(area.parent, areas) or area.parent)
        code = area.code or synthesised_code(area.parent or "", area.name)
        if where.get(code, "").startswith(str(row.where.split(" line ")[0])):
            raise GazetteerError(
                f"code {code!r} is used twice", where=row.where, expected=f"one line for it ({where[code]})"
            )
        before = areas.get(code)
        names = [*area.aliases, *derive_aliases(area.name, area.level, city_stem="".join(city_stem))]
        if before is not None:
            names = [*before.aliases, before.name, *names]
            area = replace(area, parent=area.parent or before.parent)
        aliases = tuple(name for name in dict.fromkeys(names) if name != area.name)
        areas[code] = replace(area, code=code, aliases=aliases)
        where[code] = row.where
