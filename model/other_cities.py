"""Names of other cities in a text, to notice a ticket about a place elsewhere."""

from __future__ import annotations

import re

from ahocorasick_rs import AhoCorasick, MatchKind

from data.gazetteer.elsewhere import cities
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.names import is_weak
from data.text import normalise
from model.decision import Span

_NAMED_AFTER = re.compile(
    r"[东西南北中]?(?:路|街|大道|大街|巷|商厦|大厦|酒店|饭店|餐馆|银行|广场|牌|籍|人|菜|小区|花园|大学|学院|医院|证券|航空|烤鸭|火锅|时间|场)"
)
_AT = re.compile(r"(?:位于|发生在|在|到|去|回|前往)$")


class OtherCities:
    """Finds cities other than the gazetteer's own: 三亚市, or 在三亚 as words of place go.

    A road, firm or dish named after a city (上海路, 北京饭店) is not one, nor is a name that an area
    of this city bears too.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        own = set(gazetteer.surfaces())
        full = [name for name in cities() if name not in own]
        stems = [name.removesuffix("市") for name in full if name.endswith("市")]
        short = [stem for stem in stems if len(stem) > 1 and stem not in own and not is_weak(stem)]
        self._full = len(full)
        self._automaton = AhoCorasick([*full, *short], matchkind=MatchKind.LeftmostLongest)

    def find(self, text: str) -> tuple[Span, ...]:
        """Return the mentions of other cities as spans of the text given, in order."""
        normal = normalise(text)
        spans = []
        for index, start, end in self._automaton.find_matches_as_indexes(normal.text):
            if _NAMED_AFTER.match(normal.text, end):
                continue
            if index >= self._full and not _AT.search(normal.text, max(0, start - 4), start):
                continue
            first, last = normal.original_span(start, end)
            spans.append(Span(first, last, text[first:last]))
        return tuple(spans)
