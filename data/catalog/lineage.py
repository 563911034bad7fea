"""Who took over from whom, and which spellings are one name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from data.catalog.entries import Department

_BRACKETS = str.maketrans("〔【〖[{〕】〗]}", "((((()))))")


def name_key(name: str) -> str:
    """Return what spellings of one name share: without white space, full width and kinds of bracket."""
    folded = unicodedata.normalize("NFKC", name).translate(_BRACKETS).casefold()
    return "".join(char for char in folded if not char.isspace() and unicodedata.category(char) != "Cf")


def heirs_of(departments: Iterable[Department]) -> dict[str, tuple[str, ...]]:
    """Return for each code the codes of the units that list it among their predecessors."""
    heirs: dict[str, tuple[str, ...]] = {}
    for unit in departments:
        for code in unit.predecessors:
            heirs[code] = (*heirs.get(code, ()), unit.code)
    return heirs


def successor(
    code: str, departments: Mapping[str, Department], heirs: Mapping[str, tuple[str, ...]]
) -> Department | None:
    """Follow the line of sole heirs of a retired unit to its end; see `Catalog.successor_of`."""
    at, seen = code, {code}
    while departments[at].effective_to is not None and len(heirs.get(at, ())) == 1:
        at = heirs[at][0]
        if at in seen:
            break
        seen.add(at)
    return departments[at] if at != code else None
