"""The units and places of a catalog as one JSON list that the browser filters, with their pinyin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from threading import Lock

import orjson
from pypinyin import lazy_pinyin

from data.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class CatalogIndex:
    """What /review/catalog.json answers, and its ETag."""

    body: bytes
    etag: str


def pinyin_of(name: str) -> tuple[str, str]:
    """Return a name's full pinyin and its initials, without tones: 朝阳区 gives chaoyangqu, cyq."""
    syllables = lazy_pinyin(name.lower(), errors=list)  # type: ignore[arg-type] # each other character
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)


class IndexCache:
    """Keeps the index of the catalog and the day that were last asked for: making one takes seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._key: tuple[str, date] | None = None
        self._index: CatalogIndex | None = None

    def get(self, catalog: Catalog, on: date) -> CatalogIndex:
        """Return the index of a catalog on a day."""
        key = (catalog.content_hash, on)
        with self._lock:
            if self._index is None or self._key != key:
                self._key, self._index = key, catalog_index(catalog, on)
            return self._index


def catalog_index(catalog: Catalog, on: date) -> CatalogIndex:
    """Return the index of the units that are active on a day, and of all places.

    A unit is [code, name, family, path, duty, names], a place [code, name, path, names], `path` written out;
    `names` holds name, pinyin and initials of the name and of each alias, for the browser to search.
    """
    paths = {
        area.code: "›".join(a.name for a in catalog.gazetteer.path(area.code)) for area in catalog.gazetteer
    }
    units = [
        [
            unit.code,
            unit.name,
            unit.family,
            paths[unit.jurisdiction],
            unit.duty or catalog.families[unit.family].duty,
            _searchable(
                (unit.name, *unit.aliases, *_short(unit.name, unit.family, unit.jurisdiction, catalog))
            ),
        ]
        for unit in catalog.active(on)
    ]
    places = [
        [area.code, area.name, paths[area.code], _searchable((area.name, *area.aliases))]
        for area in catalog.gazetteer
    ]
    body = orjson.dumps({"units": units, "places": places})
    return CatalogIndex(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _short(name: str, family: str, jurisdiction: str, catalog: Catalog) -> Iterable[str]:
    """Return what people call a unit: its area with the family's names, 朝阳区 + 城管局."""
    area = catalog.gazetteer[jurisdiction].name
    said = (f"{area}{other}" for other in (family, *catalog.families[family].aliases))
    return (short for short in said if short != name)


def _searchable(names: Iterable[str]) -> list[list[str]]:
    return [[name.lower(), *pinyin_of(name)] for name in dict.fromkeys(names)]
