"""Other names by which a drafted unit is likely to be called in tickets to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from data.catalog.entries import Department, DepartmentKind, Family
from data.catalog.lineage import name_key
from data.catalog.records import LIST_SEPARATOR
from data.catalog.unit_names import STREET_FAMILY
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel

_STREET_OFFICES = ("街道办", "街道办事处", "街道")
_TOWN_OFFICES = ("镇政府", "镇人民政府", "镇")


def with_aliases(
    departments: Sequence[Department], families: Iterable[Family], gazetteer: Gazetteer
) -> list[Department]:
    """Give each public unit the other spellings of its name that no other unit could claim.

    龙华区城管局, of a family also spelt 城市管理行政执法局, is also 海口市龙华区城管局 and
    龙华区城市管理行政执法局.
    """
    spellings = {family.name: (family.name, *family.aliases) for family in families}
    wanted = [list(dict.fromkeys(_names(unit, spellings, gazetteer))) for unit in departments]
    claims = Counter(key for names in wanted for key in {name_key(name) for name in names})
    taken = {name_key(unit.name) for unit in departments}
    return [
        replace(
            unit,
            aliases=tuple(
                name
                for name in names
                if claims[name_key(name)] == 1 and name_key(name) not in taken and LIST_SEPARATOR not in name
            ),
        )
        for unit, names in zip(departments, wanted, strict=True)
    ]


def _names(unit: Department, spellings: dict[str, tuple[str, ...]], gazetteer: Gazetteer) -> Iterator[str]:
    area = gazetteer[unit.jurisdiction]
    city = gazetteer.city
    district = gazetteer.district_of(area.code)
    if unit.family == STREET_FAMILY and area.level is JurisdictionLevel.SUBDISTRICT:
        head = district.name if district is not None else city.name
        for office in _offices(area.name):
            yield head + office
            yield city.name + (head if district is not None else "") + office
    elif area.level is JurisdictionLevel.DISTRICT:
        for spelling in spellings[unit.family]:
            yield area.name + spelling
            yield city.name + area.name + spelling
    elif unit.kind is DepartmentKind.CITY_DEPARTMENT:
        for spelling in spellings[unit.family]:
            yield "市" + spelling
            yield city.name + spelling


def _offices(street: str) -> Iterator[str]:
    for tail, offices in (("街道", _STREET_OFFICES), ("镇", _TOWN_OFFICES)):
        if street.endswith(tail):
            yield from (street.removesuffix(tail) + office for office in offices)
            return
    yield street
