"""Place names learned from past tickets: estates, roads and markets that point to one district or street."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind

from data.gazetteer.gazetteer import Gazetteer

_TAIL = re.compile(
    "小区|新村|路口|大道|大街|花园|公寓|广场|市场|大厦|学校|小学|中学|医院|工地|酒店|商场|商城|家园|名苑|雅苑|豪庭|公馆|国际|山庄|"
    "公园|幼儿园|超市|宾馆|项目|学院|大学|宿舍|大院|立交桥|大桥|码头|车站|客运站|加油站|国贸|一期|二期|三期|[ABCD]区|"
    "路|街|巷|村|苑|城|园|湾|里|墟|坡|队|都|府|岛|桥|港|厦|庭|居|楼|站|场|广|院"
)
_LENGTHS = range(3, 9)
_PUNCTUATION = re.compile(r"[^㐀-鿿A-Za-z0-9]")
_LEAST_SUPPORT = 3
_LEAST_PURITY = 0.6
_PRIOR = 1.0  # as many tickets as spoke for nowhere in particular


@dataclass(frozen=True, slots=True)
class LearnedName:
    """How many past tickets held a name, and how many of them belonged to each area."""

    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LearnedMention:
    """A learned name at text[start:end]; `shares` gives the share of its past tickets by area."""

    start: int
    end: int
    shares: Mapping[str, float]


class LearnedPlaces:
    """Names with the areas that their past tickets belonged to.

    Counts are of every level below the city: a ticket of a street counts for the street and its district.
    """

    def __init__(self, names: Mapping[str, LearnedName]) -> None:
        self.names = names
        self._surfaces = list(names)
        self._shares = [
            {code: count / (name.total + _PRIOR) for code, count in name.counts.items()} for name in names.values()
        ]
        self._automaton = AhoCorasick(self._surfaces, matchkind=MatchKind.LeftmostLongest) if names else None

    @classmethod
    def fit(cls, texts: Sequence[str], codes: Sequence[str], gazetteer: Gazetteer) -> LearnedPlaces:
        """Learn from normalised texts and the area of the unit that handled each.

        A unit of the whole city says nothing of the place; its tickets are left out.
        """
        totals: Counter[str] = Counter()
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text, code in zip(texts, codes, strict=True):
            areas = [area.code for area in gazetteer.path(code)[1:]]
            if areas:
                for name in _candidates(text):
                    totals[name] += 1
                    counts[name].update(areas)
        known = gazetteer.surfaces()
        return cls(
            {
                name: LearnedName(totals[name], dict(sorted(found.items())))
                for name, found in sorted(counts.items())
                if totals[name] >= _LEAST_SUPPORT
                and max(found.values()) >= _LEAST_PURITY * totals[name]
                and name not in known
            }
        )

    def find(self, text: str) -> list[LearnedMention]:
        """Return the learned names in a normalised text, in order."""
        if self._automaton is None:
            return []
        return [
            LearnedMention(start, end, self._shares[index])
            for index, start, end in self._automaton.find_matches_as_indexes(text)
        ]

    def save(self, path: Path) -> None:
        """Write as JSON: name -> [tickets, {area: tickets}]."""
        content = {surface: [name.total, name.counts] for surface, name in self.names.items()}
        path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, path: Path) -> LearnedPlaces:
        """Read what `save` wrote."""
        content = json.loads(path.read_text("utf-8"))
        return cls({surface: LearnedName(total, counts) for surface, (total, counts) in content.items()})


def _candidates(text: str) -> Iterable[str]:
    """Return the strings of a text that end like a place's name, each once."""
    found = set()
    for piece in _PUNCTUATION.split(text):
        for tail in _TAIL.finditer(piece):
            for length in _LENGTHS:
                if length > tail.end():
                    break
                found.add(piece[tail.end() - length : tail.end()])
    return found
