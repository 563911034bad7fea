"""The rules of dispatch, as the catalog states them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, Rule
from data.gazetteer.jurisdiction import JurisdictionLevel

_UPWARD = (*reversed(JurisdictionLevel),)


class RuleBook:
    """Finds the rule for a category and place, and the units that it names."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._rules = {(rule.category, rule.level): rule for rule in catalog.rules}

    def rule(self, category: str | None, level: JurisdictionLevel) -> Rule | None:
        """Return the rule of a category at a level; failing that, of a higher level or a wider category."""
        while category is not None:
            for step in _UPWARD[_UPWARD.index(level) :]:
                if (category, step) in self._rules:
                    return self._rules[category, step]
            entry = self._catalog.issue_categories.get(category)
            category = entry.parent if entry else None
        return None

    def unit_in_place(self, family: str, jurisdiction: str, on: date) -> Department | None:
        """Return the active unit of a family for an area: its own, else that of an area above it."""
        by_place = {unit.jurisdiction: unit for unit in self._catalog.units_of(family) if unit.is_active(on)}
        path = self._catalog.gazetteer.path(jurisdiction)
        return next((by_place[area.code] for area in reversed(path) if area.code in by_place), None)

    def assisting(
        self, families: Iterable[str], jurisdiction: str, lead: Department, on: date
    ) -> Iterator[Department]:
        """Yield the units of families that assist the lead there; one without a unit there is passed over."""
        for family in families:
            unit = self.unit_in_place(family, jurisdiction, on)
            if unit is not None and unit.code != lead.code:
                yield unit
