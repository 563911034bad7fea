"""Taking a unit's name apart: 龙华区海垦街道办 is the family 街镇 in 海垦街道."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from data.catalog.entries import DepartmentKind
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

STREET_FAMILY = "街镇"
"""The family of every street and town office."""

_PLATFORM = re.compile(
    r"滴滴|美团|饿了么|摩拜|哈[啰罗]|青桔|曹操出行|货拉拉|高德|拼多多|淘宝|京东|抖音|快手|共享单车"
)
_COMPANY = re.compile(
    r"公司|集团|供电|电信局|中国移动|中国联通|铁塔|自来水|水务集团|燃气(?!管理)|机场|火车|汽车站|客运站|轮渡|银行"
)
_OFFICE = re.compile(
    r"^(?:街道|地区)?(?:办事处|办|人民政府|政府|党工委|工委|管理委员会|管委会|公所)?(?:办公室)?$"
)
_WHOLE_NAME = re.compile(r".[区县市旗]$")
_CITY_MARK = re.compile(r"市(?!场|容|区|面|委|政(?![府务协法])|民(?![政防族营航革盟建]))")
"""市 for the city at the head of a name, not as the beginning of a word (市场, 市政, 市民云), nor 市委."""
_BRANCH = r"(?=分局|分公司|分中心|支队|大队|支行|供电所|供电局|管理站|重点|城市建设|城投|新区)"
"""What may follow a district's stem that stands without 区: 市公安局龙华分局."""
_MIN_REST = 2


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit name split into what it does and where."""

    family: str
    jurisdiction: Jurisdiction
    kind: DepartmentKind


def split_unit_name(name: str, gazetteer: Gazetteer) -> UnitName:
    """Split a unit's name by the gazetteer; a name that holds no area belongs to the city.

    A street that two districts have is settled by the district in the name, or not at all.
    """
    whole = "".join(unicodedata.normalize("NFKC", name).split())
    street, rest = _find_street(whole, gazetteer.city, gazetteer)
    if street is not None:
        return _of_street(rest, street)
    district, rest = _find_district(whole, gazetteer)
    rest = _without_city(rest, gazetteer)
    street, after = _find_street(rest, district or gazetteer.city, gazetteer)
    if street is not None:
        return _of_street(after, street)
    area = district or gazetteer.city
    return UnitName(rest, area, _kind(rest, area))


def named_areas(name: str, gazetteer: Gazetteer) -> Iterator[Jurisdiction]:
    """Yield the districts and streets whose name or stem is anywhere in a unit's name: a loose reading.

    It serves to measure `split_unit_name`, which is strict.
    """
    city = _city_surfaces(gazetteer)
    rest = next((name.removeprefix(surface) for surface in city if name.startswith(surface)), name)
    for area in gazetteer:
        if area.level in {JurisdictionLevel.DISTRICT, JurisdictionLevel.SUBDISTRICT} and any(
            surface in rest for surface in (area.name, *area.aliases)
        ):
            yield area


def _of_street(rest: str, street: Jurisdiction) -> UnitName:
    family = STREET_FAMILY if _OFFICE.match(rest) else rest
    return UnitName(family, street, DepartmentKind.SUBDISTRICT_OFFICE)


def _kind(rest: str, area: Jurisdiction) -> DepartmentKind:
    if _PLATFORM.search(rest):
        return DepartmentKind.PLATFORM_COMPANY
    if _COMPANY.search(rest):
        return DepartmentKind.PUBLIC_SERVICE_COMPANY
    in_city = area.level is JurisdictionLevel.CITY
    return DepartmentKind.CITY_DEPARTMENT if in_city else DepartmentKind.DISTRICT_BUREAU


def _city_surfaces(gazetteer: Gazetteer) -> list[str]:
    city = gazetteer.city
    return sorted((city.name, *city.aliases), key=len, reverse=True)


def _without_city(name: str, gazetteer: Gazetteer) -> str:
    for surface in _city_surfaces(gazetteer):
        if name.startswith(surface) and len(name) - len(surface) >= _MIN_REST:
            return name.removeprefix(surface)
    return name[1:] if len(name) > _MIN_REST and _CITY_MARK.match(name) else name


def _find_district(name: str, gazetteer: Gazetteer) -> tuple[Jurisdiction | None, str]:
    """Return the district in a name, and the name without it and without the city before it.

    The full name (龙华区) counts anywhere, the stem (龙华) only before a word for a branch.
    """
    city = "|".join(map(re.escape, _city_surfaces(gazetteer)))
    areas = [area for area in gazetteer if area.level is JurisdictionLevel.DISTRICT]
    surfaces = [(surface, area) for area in areas for surface in (area.name, *area.aliases)]
    for surface, area in sorted(surfaces, key=lambda pair: -len(pair[0])):
        after = "" if _WHOLE_NAME.search(surface) else _BRANCH
        match = re.search(f"(?:{city})?{re.escape(surface)}{after}", name)
        if match:
            head, tail = name[: match.start()], name[match.end() :]
            rest = head + tail if not head else _without_city(head, gazetteer) + tail
            if len(rest) >= _MIN_REST:
                return area, rest
    return None, name


def _find_street(name: str, within: Jurisdiction, gazetteer: Gazetteer) -> tuple[Jurisdiction | None, str]:
    """Return the one street or town that a name begins with, and what follows it.

    Its full name may be followed by anything (云龙镇派出所), its stem only by an office: 海垦街道办.
    """
    surfaces: dict[str, set[str]] = {}
    for surface, codes in gazetteer.surfaces().items():
        inside = {
            code
            for code in codes
            if gazetteer[code].level is JurisdictionLevel.SUBDISTRICT
            and gazetteer.is_within(code, within.code)
        }
        if inside and name.startswith(surface):
            surfaces[surface] = inside
    for surface in sorted(surfaces, key=len, reverse=True):
        rest = name[len(surface) :]
        found = {code for code in surfaces[surface] if _goes_on(gazetteer[code], surface, rest)}
        if len(found) == 1:
            return gazetteer[found.pop()], rest
    return None, name


def _goes_on(area: Jurisdiction, surface: str, rest: str) -> bool:
    """Tell whether a street's name or stem, followed by `rest`, can be the beginning of a unit's name."""
    if surface == area.name or surface.endswith(("街道", "开发区")):
        return True
    if surface.endswith(("镇", "乡")):
        return _OFFICE.match(rest) is not None
    kind = next((tail for tail in ("镇", "乡", "街道", "地区") if area.name.endswith(tail)), "街道")
    if kind in {"镇", "乡"}:
        return rest.startswith(kind) and _OFFICE.match(rest[1:]) is not None
    return rest.startswith(("街道", "地区", "办事处", "街办")) and _OFFICE.match(rest) is not None
