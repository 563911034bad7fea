"""What a ticket is about: the issue category (事项) whose words it holds."""

from __future__ import annotations

from collections import defaultdict
from math import exp, log

from ahocorasick_rs import AhoCorasick, MatchKind

from data.catalog.catalog import Catalog
from data.text import normalise
from model.decision import ScoredCategory

_FAMILY_BONUS = 1.0  # for a category whose rules lead to the likely unit's family
_HALF_SURE = 3.0  # evidence at which the score is 0.5
_LEAST_SCORE = 0.2


class IssueCategoryMatcher:
    """Matches keywords and names of a catalog's leaf categories. It needs no labels."""

    def __init__(self, catalog: Catalog) -> None:
        parents = {category.parent for category in catalog.issue_categories.values()}
        self._leaves = {
            code: entry for code, entry in catalog.issue_categories.items() if code not in parents
        }
        self._families: dict[str, set[str]] = defaultdict(set)
        for rule in catalog.rules:
            self._families[rule.category].update((rule.lead, *rule.assisting))
        owners: dict[str, set[str]] = defaultdict(set)
        for code, category in self._leaves.items():
            for word in (category.name, *category.keywords):
                folded = normalise(word).text
                if len(folded) >= 2:
                    owners[folded].add(code)
        self._words = sorted(owners)
        self._owners = [sorted(owners[word]) for word in self._words]
        # A long word says more than a short one, one of few categories more than one of many.
        self._weights = [
            log(len(word)) * log(1 + len(self._leaves) / len(owners[word])) for word in self._words
        ]
        self._automaton = AhoCorasick(self._words, matchkind=MatchKind.LeftmostLongest) if owners else None

    def match(self, text: str, family: str | None = None) -> ScoredCategory | None:
        """Return the category that fits a normalised text best, or None if none does.

        `family` is the likely unit's; it decides between categories that share words.
        """
        if self._automaton is None:
            return None
        evidence: dict[str, float] = defaultdict(float)
        for index in {found[0] for found in self._automaton.find_matches_as_indexes(text)}:
            for code in self._owners[index]:
                evidence[code] += self._weights[index]
        for code in evidence:
            if family in self._families[code]:
                evidence[code] += _FAMILY_BONUS
        if not evidence:
            return None
        code, weight = min(evidence.items(), key=lambda item: (-item[1], item[0]))
        score = round(1 / (1 + exp(_HALF_SURE - weight)), 4)
        return ScoredCategory(code, self._leaves[code].name, score) if score >= _LEAST_SCORE else None
