"""Taking a unit's name apart: 龙华区海垦街道办 is the family 街镇 in 海垦街道."""

from __future__ import annotations

import re
from dataclasses import dataclass

from data.catalog.entries import DepartmentKind
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

STREET_FAMILY = "街镇"
"""The family of every street and town office."""

_COMPANY = re.compile(r"公司|集团|供电局|电信局|自来水|燃气|机场|火车|轮渡|客运站")
_STREET_OFFICE = re.compile(
    r"(街道办事处|街道办|街道|镇人民政府|镇政府|乡人民政府|乡政府|镇|乡|管委会|管理委员会)$"
)
_CITY_PREFIX_TRAP = ("市民云", "市场", "市容", "市政", "市区")  # 市 that begins a word, not 市 for the city


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit name split into what it does and where."""

    family: str
    jurisdiction: Jurisdiction
    kind: DepartmentKind


def split_unit_name(name: str, gazetteer: Gazetteer) -> UnitName:
    """Split a unit's name by the gazetteer; a name that holds no area belongs to the city."""
    city = gazetteer.city
    rest = _without_city(name, gazetteer)
    district, rest = _leading_area(rest, gazetteer, city, stems=rest != name)
    area = district or city
    street = _street(rest, gazetteer, area)
    if street is not None:
        return UnitName(STREET_FAMILY, street, DepartmentKind.SUBDISTRICT_OFFICE)
    if _COMPANY.search(rest):
        return UnitName(rest, area, DepartmentKind.PUBLIC_SERVICE_COMPANY)
    in_city = area.level is JurisdictionLevel.CITY
    return UnitName(rest, area, DepartmentKind.CITY_DEPARTMENT if in_city else DepartmentKind.DISTRICT_BUREAU)


def _without_city(name: str, gazetteer: Gazetteer) -> str:
    for surface in sorted((gazetteer.city.name, *gazetteer.city.aliases), key=len, reverse=True):
        if name.startswith(surface) and len(name) - len(surface) >= 2:
            return name.removeprefix(surface)
    return (
        name.removeprefix("市") if name.startswith("市") and not name.startswith(_CITY_PREFIX_TRAP) else name
    )


def _leading_area(
    name: str, gazetteer: Gazetteer, parent: Jurisdiction, *, stems: bool
) -> tuple[Jurisdiction | None, str]:
    """Take a district off the front of a name.

    A bare stem (琼山) counts only behind the city's name: 海口琼山重点项目建设投资公司.
    """
    for district in gazetteer.children(parent.code):
        if district.level is not JurisdictionLevel.DISTRICT:
            continue
        surfaces = (district.name, *district.aliases) if stems else (district.name,)
        for surface in sorted(surfaces, key=len, reverse=True):
            rest = name.removeprefix(surface)
            if rest != name and len(rest) >= 2:
                return district, rest
    return None, name


def _street(name: str, gazetteer: Gazetteer, area: Jurisdiction) -> Jurisdiction | None:
    """Return the street or town whose office the name is."""
    stem = _STREET_OFFICE.sub("", name)
    for surface in dict.fromkeys((name, _STREET_OFFICE.sub(r"街道", name), stem)):
        found = [
            place
            for place in gazetteer.named(surface)
            if place.level is JurisdictionLevel.SUBDISTRICT and gazetteer.is_within(place.code, area.code)
        ]
        if len(found) > 1:  # 海秀街道 and 海秀镇 share a stem: the ending decides
            ending = "镇" if "镇" in name[len(stem) :] else "街道"
            found = [place for place in found if place.name.endswith(ending)] or found
        if found and (stem != name or surface == name):
            return found[0]
    shortened = stem.removesuffix("路")  # 海府路街道办 for 海府街道
    return _street(shortened + "街道", gazetteer, area) if stem != name and shortened != stem else None
