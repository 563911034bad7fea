"""The other names of an area, derived from its official one: stems and short forms."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from data.gazetteer.jurisdiction import JurisdictionLevel

_HERE = Path(__file__).parent

_ETHNIC = re.compile(
    r"(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇"
    r"|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固"
    r"|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各)族"
)
_DISTRICT_TAIL = re.compile(r"(?:自治县|自治旗|特区|林区|新区|区|县|市|旗)$")
_SUBDISTRICT_TAIL = re.compile(r"(?:民族苏木|民族乡|街道|地区|苏木|镇|乡)$")
_ZONE = re.compile(
    r"^(?P<stem>.+?)(?:国家级|国家)?(?:经济技术|经济|高新技术产业|高新技术|高新|科技|产业|工业|旅游|生态|技术)*"
    r"(?:开发区|园区|示范区|度假区|保税区|保税港区|新区)(?:管委会|管理委员会)?$"
)
_FARM_HEAD = re.compile(r"^(?:地方国营|国营|省属|省|市)(?=.{2,}(?:农场|林场|茶场|渔场|牧场|作物场))")
_OFFICE_TAIL = re.compile(
    r"(?:街道办事处|街道办|办事处|人民政府|政府|管理委员会|管委会|社区居民委员会|社区居委会|居民委员会|居委会"
    r"|村民委员会|村委会|社区服务中心|党工委|党委)$"
)
_ROAD_TAIL = ("路", "街", "大道", "大街", "巷", "胡同", "弄")


@cache
def weak_words(group: str | None = None) -> frozenset[str]:
    """Return ordinary words, directions and persons' names that many areas of China are called after."""
    with (_HERE / "weak_words.yaml").open(encoding="utf-8") as lines:
        groups: dict[str, list[str]] = yaml.safe_load(lines)
    return frozenset(word for name, words in groups.items() if group in (None, name) for word in words)


def is_weak(surface: str, *, district: bool = False) -> bool:
    """Tell whether a name by itself says little about where: an ordinary word, a direction, a road's name.

    It is kept as a name of its area, but one such mention never settles a place. Fewer words are weak as
    the name of a district.
    """
    words = weak_words("ideas") if district else weak_words()
    return len(surface) < 2 or surface in words or surface.endswith(_ROAD_TAIL)


def strip_office(name: str) -> str:
    """Return an area's name without its office: 海垦街道办事处 -> 海垦街道, 山高村委会 -> 山高村."""
    match = _OFFICE_TAIL.search(name)
    if match is None or match.start() < 2:
        return name
    stem, tail = name[: match.start()], match.group()
    if tail.startswith("街道"):
        return f"{stem}街道"
    if tail.startswith(("社区", "居")):
        return stem if stem.endswith("社区") else f"{stem}社区"
    if tail.startswith("村"):
        return stem if stem.endswith("村") else f"{stem}村"
    return stem


def derive_aliases(
    name: str, level: JurisdictionLevel, *, city_stem: str = "", given: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the stems and short forms of an official name, `given` ones first; never the name itself.

    One-character stems are never made (矿区 has none).
    """
    found: list[str] = list(given)
    if level is JurisdictionLevel.COMMUNITY:
        found += _community_aliases(name)
    elif level is JurisdictionLevel.SUBDISTRICT:
        found += _subdistrict_aliases(name, city_stem)
    else:
        found.append(_stem(name, _DISTRICT_TAIL))
    return tuple(dict.fromkeys(alias for alias in found if len(alias) >= 2 and alias != name))


def _stem(name: str, tail: re.Pattern[str]) -> str:
    """Cut the kind of area off a name, and the peoples named in it: 乐东黎族自治县 -> 乐东."""
    stem = tail.sub("", name)
    if stem == name:
        return ""
    ethnic = _ETHNIC.search(stem, 2)
    return stem[: ethnic.start()] if ethnic and _ETHNIC.sub("", stem[ethnic.start() :]) == "" else stem


def _subdistrict_aliases(name: str, city_stem: str) -> list[str]:
    found: list[str] = []
    head = _FARM_HEAD.match(name)
    if head:
        found.append(name[head.end() :])
    local = name
    if city_stem and name.startswith(city_stem) and len(name) - len(city_stem) >= 3:
        local = name[len(city_stem) :].removeprefix("市")
        if _ZONE.match(local) and len(local) > 3:
            found.append(local)
        else:
            local = name
    zone = _ZONE.match(local)
    if zone:
        stem = zone["stem"]
        if len(stem) >= 2:
            kind = "开发区" if "开发区" in local else ""
            found += [stem + kind, stem] if kind else [stem]
        return found
    stem = _stem(local, _SUBDISTRICT_TAIL).removesuffix("办事处")
    found.append(stem)
    if local.endswith("地区"):  # Beijing: 梨园地区 is 梨园镇 as well
        found += [f"{stem}镇", f"{stem}乡"]
    elif stem.endswith("镇"):  # 真如镇街道
        found.append(stem.removesuffix("镇"))
    elif f"{stem}街道" != local and local.endswith("办事处街道"):
        found.append(f"{stem}街道")
    if stem.endswith(("路", "街")) and local.endswith("街道") and len(stem) >= 3:
        found.append(stem[:-1] + "街道")
    return found


def _community_aliases(name: str) -> list[str]:
    """Give a community its other official form, and a stem only where it can be a name of its own."""
    plain = strip_office(name)
    found = [plain] if plain != name else []
    if plain.endswith("社区") and len(plain) >= 4:
        stem = plain.removesuffix("社区")
        found.append(f"{stem}居委会")
        if len(stem) >= 3 and not stem.endswith(_ROAD_TAIL):
            found.append(stem)
    return found
