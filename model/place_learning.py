"""How place names are learned: strings that look like a place and go with one area far beyond chance."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ahocorasick_rs import AhoCorasick

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel
from data.gazetteer.names import is_weak
from data.text import normalise
from data.tickets.ticket import Ticket
from model.decision import PlaceStatus
from model.jurisdiction import PlaceResolver
from model.place_names import LearnedName
from model.segment import Segmenter

_PLACE = re.compile(
    r"(?:路|街|巷|道|村|苑|城|园|湾|里|墟|坡|队|都|府|岛|桥|港|厦|庭|居|楼|站|场|院|区|校|学|广|口|舍|寓|店|馆|期|镇|湖|河|庄"
    r"|山|坊|阁|轩|台|塘|屯|营|堡|市|公司|国际|中心|集团|项目|工地|大院)$"
)
_NAME_CHARACTERS = re.compile(r"[㐀-鿿A-Za-z]+")
_KINDS = ("区", "县", "市", "街道", "镇", "乡", "社区", "居委会", "村")
_NOT_FIRST_WORDS = """
路 街 巷 号 大道 大街 南路 北路 东路 西路 中路 路口 小区 村 物业 公司 业主 居民 栋 楼 单元 房 室 期
与 和 及 或 在 从 到 至 往 由 对 把 被 将 为 是 有 无 没有 的 了 其 该 此 这 那 他 她 我 我们 本人 不 都 也 又
对面 斜对面 附近 旁边 旁 前 后 上 下 内 里 外 位于 靠近 前往 经过
反映 投诉 来电 市民 请 要求 希望 建议 认为 表示 咨询
一直 现在 已经 今天 昨天 一 二 三 四 五 六 七 八 九 十 个 名 间 家 处 条
"""
_NOT_FIRST = frozenset(_NOT_FIRST_WORDS.split())
_LENGTHS = range(2, 11)
_WORDS = 5

_MIN_PLACE, _MIN_OTHER = 2, 5
"""Tickets that a name needs: one that ends like a place, and any other string."""
_DOUBT_PLACE, _DOUBT_OTHER = 1.0, 6.0
"""Imagined tickets spread as all tickets are, that a name must outweigh (additive smoothing)."""
_PURE = 0.6
_NAMED_SURELY = 0.85
_MIN_MASK = 3


def learn_names(
    texts: Sequence[str],
    jurisdictions: Sequence[str | None],
    gazetteer: Gazetteer,
    groups: Sequence[object] | None,
) -> list[LearnedName]:
    """Return the names that point to a district (a street where the city has no districts) or street.

    A name's share of an area is (n_area + doubt * prior_area) / (n + doubt); it is kept if the share of its
    best district is at least 0.6. A name made longer by further words is kept only if it says more.
    """
    resolver = PlaceResolver(gazetteer)
    known = [_area_of(text, code, resolver) for text, code in zip(texts, jurisdictions, strict=True)]
    cut = _segmenter(frozenset(gazetteer.surfaces()))
    surfaces = [normalise(surface).text for surface in gazetteer.surfaces() if not is_weak(surface)]
    own = surfaces, AhoCorasick(surfaces)
    documents = [
        (row, area, frozenset(_candidates(normalise(text).text, cut)))
        for row, (text, area) in enumerate(zip(texts, known, strict=True))
        if area is not None
    ]
    counts: Counter[str] = Counter()
    for _, _, names in documents:
        counts.update(names)
    frequent = {
        name
        for name, n in counts.items()
        if n >= (_MIN_PLACE if _PLACE.search(name) else _MIN_OTHER) and not _holds_area(name, own)
    }
    return _names_of(documents, frequent, gazetteer, groups)


@lru_cache(maxsize=1)
def _segmenter(names: frozenset[str]) -> Segmenter:
    """Return the segmenter of a city; the folds of one training share it, it takes half a second to build."""
    return Segmenter(names).load()


def _names_of(
    documents: list[tuple[int, str, frozenset[str]]],
    frequent: set[str],
    gazetteer: Gazetteer,
    groups: Sequence[object] | None,
) -> list[LearnedName]:
    tops: dict[str, Counter[str]] = defaultdict(Counter)
    streets: dict[str, Counter[str]] = defaultdict(Counter)
    prior: Counter[str] = Counter()
    seen: set[tuple[str, object]] = set()
    for row, area, names in documents:
        path = gazetteer.path(area)
        top = path[1].code
        street = next((a.code for a in path[2:] if a.level is JurisdictionLevel.SUBDISTRICT), None)
        prior[top] += 1
        for name in names & frequent:
            if groups is not None:
                if (name, groups[row]) in seen:
                    continue
                seen.add((name, groups[row]))
            tops[name][top] += 1
            if street is not None:
                streets[name][street] += 1
    total = prior.total()
    chance = {code: n / total for code, n in prior.items()}
    learned: dict[str, LearnedName] = {}
    for name in sorted(tops, key=lambda name: (len(name), name)):
        place = bool(_PLACE.search(name))
        doubt = _DOUBT_PLACE if place else _DOUBT_OTHER
        support = tops[name].total()
        if support < (_MIN_PLACE if place else _MIN_OTHER):
            continue
        shares = {code: (tops[name][code] + doubt * p) / (support + doubt) for code, p in chance.items()}
        if not _worth_keeping(name, support, shares, learned):
            continue
        with_street = streets[name].total()
        shares |= {code: n / (with_street + doubt) for code, n in streets[name].items()}
        learned[name] = LearnedName(name, support, {code: p for code, p in shares.items() if p >= 0.02})
    return [learned[name] for name in sorted(learned)]


def _holds_area(name: str, own: tuple[list[str], AhoCorasick]) -> bool:
    """Tell whether the gazetteer knows a name, or a part of it other than a stem at its beginning."""
    surfaces, automaton = own
    return any(
        start > 0 or end == len(name) or surfaces[index].endswith(_KINDS)
        for index, start, end in automaton.find_matches_as_indexes(name, overlapping=True)
    )


def _worth_keeping(
    name: str, support: int, shares: Mapping[str, float], learned: Mapping[str, LearnedName]
) -> bool:
    """Tell whether a name says something that the shorter names within it do not.

    A name that points nowhere is kept where it hides a shorter one that would mislead: 椰海大道 and 海大.
    """
    within = [
        learned[part]
        for length in range(2, len(name))
        for start in range(len(name) - length + 1)
        if (part := name[start : start + length]) in learned
    ]
    best = max(shares, key=lambda code: shares[code])
    if shares[best] < _PURE:
        return support >= _MIN_MASK and any(max(part.posterior.values()) >= _PURE for part in within)
    return (
        not within
        or any(
            part.posterior.get(best, 0.0) < shares[best]
            for part in within
            if name.endswith(part.surface) or name.startswith(part.surface)
        )
        or not any(name.endswith(part.surface) or name.startswith(part.surface) for part in within)
    )


def _candidates(text: str, cut: Segmenter) -> Iterator[str]:
    """Yield the runs of one to five words, of two to ten characters, that no punctuation breaks."""
    for match in _NAME_CHARACTERS.finditer(text):
        words = cut.words(match.group())
        for first in range(len(words)):
            if words[first] in _NOT_FIRST:
                continue
            name = ""
            for word in words[first : first + _WORDS]:
                name += word
                if len(name) not in _LENGTHS:
                    if len(name) > _LENGTHS[-1]:
                        break
                    continue
                if not name.isascii():
                    yield name


def _area_of(text: str, label: str | None, resolver: PlaceResolver) -> str | None:
    """Return the district or street that a past ticket is known to lie in, if it is."""
    gazetteer = resolver.gazetteer
    placed = resolver.resolve(Ticket("", text))
    named = placed.jurisdiction
    sure = placed.status is PlaceStatus.RESOLVED and placed.score >= _NAMED_SURELY
    if label is None or label == gazetteer.city.code:
        return named.code if sure and named is not None else None
    if sure and named is not None and gazetteer.is_within(named.code, label):
        return named.code
    return label
