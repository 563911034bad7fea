"""Why a unit is proposed, in a few words of Chinese: cheap enough to be always on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, Rule
from data.gazetteer.jurisdiction import JurisdictionLevel
from model.decision import PlacedJurisdiction, Reason, ReasonKind, Span
from model.inputs import ModelInput
from model.lexical import LexicalExpert
from model.lexical_features import Reading

_TERMS_LOOKED_AT = 24
_WORDS_SHOWN = 4
_DUTY_WORDS_SHOWN = 4
_UNREADABLE = re.compile(r"[^\w]|_|\d{3}")  # punctuation, and numbers that may be somebody's
_LEVEL_NAMES: Mapping[JurisdictionLevel, str] = {
    JurisdictionLevel.CITY: "市级",
    JurisdictionLevel.DISTRICT: "区县",
    JurisdictionLevel.SUBDISTRICT: "街道乡镇",
    JurisdictionLevel.COMMUNITY: "社区村",
}


class Explainer:
    """Gives reasons for the units of a catalog."""

    def __init__(self, catalog: Catalog, lexical: LexicalExpert) -> None:
        self._catalog = catalog
        self._lexical = lexical

    @cached_property
    def _duty_words(self) -> Mapping[str, frozenset[str]]:
        cut = self._lexical.features.segmenter.words
        return {
            name: frozenset(word for word in cut(family.duty) if len(word) >= 2)
            for name, family in self._catalog.families.items()
        }

    def reasons(
        self,
        item: ModelInput,
        words: Reading,
        unit: Department,
        row: int,
        placed: PlacedJurisdiction,
        rule: Rule | None,
    ) -> tuple[Reason, ...]:
        """Return what speaks for a unit, `row` of the lexical expert, strongest kind first.

        `words` is what that expert read in the text.
        """
        found: list[Reason] = []
        found.extend(self._words(item, words, row))
        found.extend(self._duty(item, unit))
        found.extend(self._place(unit, placed))
        if rule is not None and rule.lead == unit.family:
            category = self._catalog.issue_categories[rule.category].name
            found.append(Reason(ReasonKind.RULE, f"{category}由{_LEVEL_NAMES[rule.level]}“{rule.lead}”主办"))
        return tuple(found)

    def _words(self, item: ModelInput, words: Reading, row: int) -> Iterator[Reason]:
        pieces: list[tuple[int, int]] = []
        for term in self._lexical.top_terms(words, row, _TERMS_LOOKED_AT):
            if len(term.term) < 2 or _UNREADABLE.search(item.text[term.start : term.end]):
                continue
            if all(term.end <= start or end <= term.start for start, end in pieces):
                pieces.append((term.start, term.end))
                if len(pieces) == _WORDS_SHOWN:
                    break
        if pieces:
            shown = "、".join(item.text[start:end] for start, end in pieces)
            yield Reason(ReasonKind.WORDS, shown, tuple(_spans(item, pieces)))

    def _duty(self, item: ModelInput, unit: Department) -> Iterator[Reason]:
        shared = sorted(
            (word for word in self._duty_words[unit.family] if word in item.text),
            key=lambda word: (-len(word), word),
        )
        if shared:
            yield Reason(ReasonKind.DUTY, "、".join(shared[:_DUTY_WORDS_SHOWN]))

    def _place(self, unit: Department, placed: PlacedJurisdiction) -> Iterator[Reason]:
        if placed.jurisdiction is None:
            return
        gazetteer = self._catalog.gazetteer
        in_unit = gazetteer.is_within(placed.jurisdiction.code, unit.jurisdiction)
        if in_unit and unit.jurisdiction != gazetteer.city.code:
            name = "".join(area.name for area in placed.path[1:])
            yield Reason(ReasonKind.PLACE, name, placed.evidence)


def _spans(item: ModelInput, pieces: Iterable[tuple[int, int]]) -> Iterator[Span]:
    for piece in pieces:
        span = item.original_span(*piece)
        if span is not None:
            start, end = span
            yield Span(start, end, item.ticket.text[start:end])
