"""Names of areas in a text: where they stand, how much they say, and what is said around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from ahocorasick_rs import AhoCorasick, MatchKind

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel
from data.gazetteer.names import is_weak
from data.text import normalise


class Kind(Enum):
    """How a name stands in the text; the value is the chance that the ticket is about that area."""

    FULL = 0.98  # 龙华区, 海垦街道
    STEM = 0.90  # 海垦
    COMMUNITY = 0.93  # a community's name, which people also use loosely
    WEAK = 0.35  # an ordinary word: 中山, 和平
    FACILITY = 0.15  # a road, hospital, station named after the area: 琼山大道


class Role(Enum):
    """What the words before a name say of it."""

    PLAIN = "plain"
    SITE = "site"  # 反映, 位于, 在: where it happened
    HOME = "home"  # 家住, 户籍: where the caller is from


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found at text[start:end] of the normalised text, and the codes of the areas that bear it.

    `near` is set where words beside it (对面, 交界, 和) say that another place is meant as much.
    """

    start: int
    end: int
    codes: tuple[str, ...]
    kind: Kind
    role: Role
    near: bool = False


_FACILITY = re.compile(
    r"[东西南北中上下前后内外新一二三四五六七八九十]{0,2}(?:路|大道|大街|街(?!道)|巷|里弄|胡同|立交|高架|隧道|大桥|桥|河|江|湖|湾|水库|"
    r"码头|港|机场|国际机场|火车站|高铁|车站|客运站|汽车站|地铁|轻轨|站|口岸|"
    r"医院|卫生院|小学|中学|中心小学|学校|学院|大学|附中|附小|幼儿园|高中|实验|"
    r"公园|广场|景区|风景|旅游区|门(?!口)|酒店|宾馆|饭店|商场|商城|市场|超市|花园|小区|新村|公寓|大厦|山庄|名城|家园|苑|雅苑|豪庭|国际|银行|支行|"
    r"寺|庙|塔|教堂|电厂|水厂|炼油|驾校|加油站|影城|影院|书店|药店|检测站|收费站|殡仪馆|陵园|监狱|看守所|线)"
)
_HOME = re.compile(
    r"(?:居住在|居住于|家住|住在|住址|现住|租住|户籍|户口|身份证|籍贯|老家|来自|祖籍|出生)[^,。;!?、]{0,5}$"
)
_SITE = re.compile(r"(?:位于|发生在|地点|地址|在|反映|反应|前往|途经|举报|投诉|咨询|来电)[是为:,]?$")
_NEAR_AFTER = re.compile(r"[^,。;!?]{0,8}?(?:对面|附近|旁边|旁|交界|隔壁|之间|交汇|相邻|中间)")
_AND = re.compile(r"[^,。;!?]{0,4}?(?:和|与|及|跟|或|、|到|至)[^,。;!?]{0,2}")
_LOOK_BACK = 12


class MentionFinder:
    """Finds the names, aliases and stems of a gazetteer's areas in normalised text.

    `foreign` are names of places elsewhere (三亚市): a name inside one, or right after one, is not ours.
    """

    def __init__(self, gazetteer: Gazetteer, foreign: Iterable[str] = ()) -> None:
        patterns: dict[str, tuple[str, ...]] = {}
        official: set[str] = set()
        for surface, codes in gazetteer.surfaces().items():
            key = normalise(surface).text
            # Within one branch the higher area is meant: 秀英 is the district, which has a street 秀英街道.
            kept = [c for c in codes if not any(o != c and gazetteer.is_within(c, o) for o in codes)]
            patterns[key] = tuple(dict.fromkeys((*patterns.get(key, ()), *kept)))
        for area in gazetteer:
            official.add(normalise(area.name).text)
        self._levels = {code: gazetteer[code].level for codes in patterns.values() for code in codes}
        self._codes = list(patterns.values())
        self._kinds = [self._kind(surface, codes, official) for surface, codes in patterns.items()]
        self._surfaces = list(patterns)
        others = [name for name in dict.fromkeys(foreign) if name not in patterns]
        self._foreign_from = len(patterns)
        self._automaton = AhoCorasick([*patterns, *others], matchkind=MatchKind.Standard)

    def _kind(self, surface: str, codes: tuple[str, ...], official: set[str]) -> Kind:
        communities = all(self._levels[code] is JurisdictionLevel.COMMUNITY for code in codes)
        if is_weak(surface, district=any(self._levels[code] in _UPPER for code in codes)):
            return Kind.WEAK
        if communities:
            return Kind.COMMUNITY if surface in official or surface.endswith("居委会") else Kind.WEAK
        if surface in official or surface.endswith(_TAILS):
            return Kind.FULL
        return Kind.STEM

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in normalised text, in order; a longer name swallows those inside it."""
        found: list[Mention] = []
        foreign_end = -1
        for index, start, end in _longest(self._automaton.find_matches_as_indexes(text, overlapping=True)):
            if text.startswith("场", end) and text[end - 1] == "市":
                continue  # 海口市场, 三亚市场: a market
            if index >= self._foreign_from:
                foreign_end = end
                continue
            if start == foreign_end:
                foreign_end = end
                continue
            found.append(self._mention(index, start, end, text, found[-1] if found else None))
        for place, mention in enumerate(found[:-1]):
            if not mention.near and _AND.fullmatch(text, mention.end, found[place + 1].start):
                found[place] = replace(mention, near=True)
        return found

    def _mention(self, index: int, start: int, end: int, text: str, before: Mention | None) -> Mention:
        kind = self._kinds[index]
        surface = self._surfaces[index]
        if kind in (Kind.STEM, Kind.WEAK) and _FACILITY.match(text, end):
            kind = Kind.FACILITY
        elif kind is Kind.FULL and surface.endswith("路街道") and not text.startswith("办", end):
            kind = Kind.STEM
        if before is not None and start - before.end <= 1:
            role = before.role
        else:
            lead = text[max(0, start - _LOOK_BACK) : start]
            role = Role.HOME if _HOME.search(lead) else Role.SITE if _SITE.search(lead) else Role.PLAIN
        near = _NEAR_AFTER.match(text, end) is not None
        return Mention(start, end, self._codes[index], kind, role, near)


_UPPER = (JurisdictionLevel.CITY, JurisdictionLevel.DISTRICT)
_TAILS = ("区", "县", "市", "街道", "镇", "乡", "开发区", "农场", "地区", "管委会")


def _longest(matches: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Drop matches that overlap a longer one (of equals, the earlier stays)."""
    if len(matches) < 2:
        return matches
    kept: list[tuple[int, int, int]] = []
    taken = bytearray(max(end for _, _, end in matches))
    for match in sorted(matches, key=lambda m: (m[1] - m[2], m[1])):
        _, start, end = match
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            kept.append(match)
    return sorted(kept, key=lambda m: m[1])
