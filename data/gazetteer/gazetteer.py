"""The areas of one city as a tree, with every name they go by."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from data.gazetteer.errors import GazetteerError
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.gazetteer.names import strip_office

_DEPTH = {level: depth for depth, level in enumerate(JurisdictionLevel)}


class Gazetteer:
    """An unchangeable tree of areas; the city is its root.

    `source` says where the names come from, `version` is a free label. Neither is part of `content_hash`.
    """

    def __init__(self, areas: Mapping[str, Jurisdiction], *, source: str = "", version: str = "") -> None:
        """Take areas that are already known to form a tree; `from_records` checks them."""
        self._areas = MappingProxyType(dict(areas))
        self.source = source
        self.version = version
        self.city = next(area for area in self._areas.values() if area.parent is None)
        children: dict[str, list[Jurisdiction]] = {}
        for area in self._areas.values():
            if area.parent is not None:
                children.setdefault(area.parent, []).append(area)
        self._children = {code: tuple(areas) for code, areas in children.items()}

    @classmethod
    def from_records(
        cls,
        records: Iterable[Jurisdiction],
        *,
        source: str = "",
        version: str = "",
        where: Sequence[str] | None = None,
    ) -> Gazetteer:
        """Build a gazetteer from its areas, in any order.

        `where` names the place of each record (file and line) for error messages.

        Raises:
            GazetteerError: a duplicate code, a missing parent, a cycle, no city or two, a level under a
                lower one, an empty name.
        """
        rows = list(records)
        places = list(where) if where is not None else [f"record {index + 1}" for index in range(len(rows))]
        return cls(_checked(rows, places), source=source, version=version)

    @classmethod
    def load(cls, folder: Path) -> Gazetteer:
        """Read a gazetteer folder; raise GazetteerError naming file and line of the first fault."""
        from data.gazetteer.folder import load_gazetteer

        return load_gazetteer(folder)

    def save(self, folder: Path) -> None:
        """Write `gazetteer.yaml` and `jurisdictions.csv`; files that were there are replaced whole."""
        from data.gazetteer.folder import save_gazetteer

        save_gazetteer(self, folder)

    def __getitem__(self, code: str) -> Jurisdiction:
        return self._areas[code]

    def __contains__(self, code: object) -> bool:
        return code in self._areas

    def __iter__(self) -> Iterator[Jurisdiction]:
        return iter(self._areas.values())

    def __len__(self) -> int:
        return len(self._areas)

    def children(self, code: str) -> tuple[Jurisdiction, ...]:
        """Return the areas directly below one."""
        return self._children.get(code, ())

    def path(self, code: str) -> tuple[Jurisdiction, ...]:
        """Return the areas from the city down to this one, both included."""
        area: Jurisdiction | None = self._areas[code]
        upward: list[Jurisdiction] = []
        while area is not None:
            upward.append(area)
            area = self._areas[area.parent] if area.parent is not None else None
        return tuple(reversed(upward))

    def is_within(self, code: str, ancestor: str) -> bool:
        """Tell whether an area lies in another; every area lies in itself."""
        at: str | None = code
        while at is not None:
            if at == ancestor:
                return True
            at = self._areas[at].parent
        return False

    def district_of(self, code: str) -> Jurisdiction | None:
        """Return the district that an area is or lies in; None above districts and in cities without them."""
        return next((area for area in self.path(code) if area.level is JurisdictionLevel.DISTRICT), None)

    def named(self, surface: str) -> tuple[Jurisdiction, ...]:
        """Return every area with this name or alias, higher levels first.

        The office of an area stands for it: 海垦街道办事处 finds 海垦街道.
        """
        name = "".join(unicodedata.normalize("NFKC", surface).split())
        codes = self.surfaces().get(name) or self.surfaces().get(strip_office(name), ())
        return tuple(self._areas[code] for code in codes)

    def surfaces(self) -> Mapping[str, tuple[str, ...]]:
        """Return every name and alias with the codes of the areas that bear it, higher levels first."""
        return self._surfaces

    def ambiguous_names(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names and aliases that more than one area bears."""
        return {surface: codes for surface, codes in self._surfaces.items() if len(codes) > 1}

    @cached_property
    def content_hash(self) -> str:
        """Return a sha256 over the areas that does not depend on their order."""
        digest = hashlib.sha256()
        for area in sorted(self, key=lambda area: area.code):
            row = (area.code, area.name, area.level.value, area.parent or "", *sorted(area.aliases))
            digest.update("\x1f".join(row).encode() + b"\x1e")
        return digest.hexdigest()

    @cached_property
    def _surfaces(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for area in sorted(self, key=lambda area: _DEPTH[area.level]):
            for surface in (area.name, *area.aliases):
                found.setdefault(surface, {})[area.code] = None
        return MappingProxyType({surface: tuple(codes) for surface, codes in found.items()})


def _checked(rows: list[Jurisdiction], where: list[str]) -> dict[str, Jurisdiction]:
    """Return the areas by code, in the order given, once they are known to form one tree."""
    areas: dict[str, Jurisdiction] = {}
    place: dict[str, str] = {}
    for row, at in zip(rows, where, strict=True):
        if not row.code or not row.name:
            raise GazetteerError("an area without code or name", where=at, expected="both filled in")
        if row.code in areas:
            raise GazetteerError(
                f"code {row.code!r} is used twice",
                where=at,
                expected=f"a code of its own ({place[row.code]} has it already)",
            )
        areas[row.code], place[row.code] = row, at
    roots = [code for code, row in areas.items() if row.parent is None]
    if len(roots) != 1 or areas[roots[0]].level is not JurisdictionLevel.CITY:
        at = place[roots[1]] if len(roots) > 1 else place[roots[0]] if roots else "gazetteer"
        raise GazetteerError(
            f"{len(roots)} areas have no parent", where=at, expected="one, the city, at level city"
        )
    for code, row in areas.items():
        if row.parent is None:
            continue
        if row.parent not in areas:
            raise GazetteerError(
                f"the parent {row.parent!r} of {row.name} is missing",
                where=place[code],
                expected="the code of another area in the file",
            )
        _check_ascent(code, areas, place)
    return areas


def _check_ascent(code: str, areas: Mapping[str, Jurisdiction], place: Mapping[str, str]) -> None:
    """Follow the parents of an area to the city; complain of a cycle or of levels out of order."""
    seen = {code}
    at = code
    while (parent := areas[at].parent) is not None and parent in areas:
        if parent in seen:
            raise GazetteerError(
                f"{areas[code].name} lies in itself: a cycle of parents",
                where=place[code],
                expected="parents that end at the city",
            )
        seen.add(parent)
        at = parent
    above, below = areas[areas[code].parent or code], areas[code]
    if _DEPTH[above.level] >= _DEPTH[below.level]:
        raise GazetteerError(
            f"{below.name} ({below.level}) stands under {above.name} ({above.level})",
            where=place[code],
            expected="a parent of a higher level: city, district, subdistrict, community",
        )
