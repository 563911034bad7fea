"""Who acts on a synthetic ticket: the catalog's rules, followed to a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, IssueCategory, Rule
from data.gazetteer.jurisdiction import JurisdictionLevel

_DEPTH = {level: depth for depth, level in enumerate(JurisdictionLevel)}
_COMPANIES = {DepartmentKind.PLATFORM_COMPANY, DepartmentKind.PUBLIC_SERVICE_COMPANY}


@dataclass(frozen=True, slots=True)
class Duty:
    """What a rule means at a place: who may lead (several only where companies compete), and who assists."""

    rule: Rule
    leads: tuple[Department, ...]
    assisting: tuple[Department, ...]


class Rulebook:
    """Looks up the rule of a category at a place, and the units that its families mean there."""

    def __init__(self, catalog: Catalog) -> None:
        """Index the catalog's rules and units."""
        self._catalog = catalog
        self._rules: dict[str, dict[JurisdictionLevel, Rule]] = {}
        for rule in catalog.rules:
            self._rules.setdefault(rule.category, {})[rule.level] = rule
        self._units: dict[tuple[str, str], tuple[Department, ...]] = {}
        for unit in catalog.departments.values():
            if unit.effective_to is None:
                key = (unit.family, unit.jurisdiction)
                self._units[key] = (*self._units.get(key, ()), unit)
        self._found: dict[tuple[str, str], Duty | None] = {}

    @property
    def rules(self) -> Mapping[str, Mapping[JurisdictionLevel, Rule]]:
        """Return the rules by category and level."""
        return self._rules

    def duty(self, category: str, place: str) -> Duty | None:
        """Return who acts on a category in an area; None if no rule or no unit of its families reaches it."""
        key = (category, place)
        if key not in self._found:
            self._found[key] = self._look_up(category, place)
        return self._found[key]

    def sisters(self, unit: Department) -> tuple[Department, ...]:
        """Return units of the same family in neighbouring areas; of a company, those it competes with."""
        if unit.kind in _COMPANIES:
            areas = [unit.jurisdiction]
        else:
            parent = self._catalog.gazetteer[unit.jurisdiction].parent
            areas = [area.code for area in self._catalog.gazetteer.children(parent)] if parent else []
        found = (sister for area in areas for sister in self._units.get((unit.family, area), ()))
        return tuple(sister for sister in found if sister.code != unit.code)

    def neighbouring_duties(self, category: IssueCategory, place: str) -> tuple[Department, ...]:
        """Return who would lead at a place on the categories beside this one."""
        beside = (c for c in self._catalog.issue_categories.values() if c.parent == category.parent)
        duties = (self.duty(other.code, place) for other in beside)
        return tuple(dict.fromkeys(lead for duty in duties if duty for lead in duty.leads))

    def _look_up(self, category: str, place: str) -> Duty | None:
        depth = _DEPTH[self._catalog.gazetteer[place].level]
        reached = [rule for level, rule in self._rules.get(category, {}).items() if _DEPTH[level] <= depth]
        if not reached:
            return None
        rule = max(reached, key=lambda rule: _DEPTH[rule.level])
        leads = self._units_at(rule.lead, place)
        assisting = tuple(unit for family in rule.assisting for unit in self._units_at(family, place)[:1])
        return Duty(rule, leads, assisting) if leads else None

    def _units_at(self, family: str, place: str) -> tuple[Department, ...]:
        upward = reversed(self._catalog.gazetteer.path(place))
        return next((units for area in upward if (units := self._units.get((family, area.code)))), ())
