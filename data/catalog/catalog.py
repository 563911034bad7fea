"""The dispatch catalog (派单目录): which units there are, what they do and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from data.catalog.check import check_entries
from data.catalog.entries import Department, Family, IssueCategory, Rule, Scenario
from data.catalog.entry_lists import EntryLists
from data.catalog.faults import CatalogError, errors_of
from data.catalog.lineage import heirs_of, name_key, successor
from data.catalog.tables import Entry
from data.gazetteer.gazetteer import Gazetteer


@dataclass(frozen=True)
class Catalog:
    """An unchangeable catalog. `from_entries` and `load_catalog` make sound ones only.

    `departments` and `issue_categories` are by code, `families` by name. `version` and `description`
    are free labels and no part of `content_hash`.
    """

    city: str
    version: str
    gazetteer: Gazetteer
    departments: Mapping[str, Department]
    families: Mapping[str, Family]
    issue_categories: Mapping[str, IssueCategory] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    description: str = ""

    @classmethod
    def from_entries(
        cls,
        *,
        city: str,
        gazetteer: Gazetteer,
        departments: Iterable[Department],
        families: Iterable[Family],
        issue_categories: Iterable[IssueCategory] = (),
        rules: Iterable[Rule] = (),
        scenarios: Iterable[Scenario] = (),
        version: str = "",
        description: str = "",
    ) -> Self:
        """Make a catalog of entries in any order.

        Raises:
            CatalogError: the entries contradict each other; it lists every fault.
        """
        lists = EntryLists.of(families, departments, issue_categories, rules, scenarios)
        faults = check_entries(lists, gazetteer)
        if errors_of(faults):
            raise CatalogError(faults)
        return cls(
            city=city,
            version=version,
            description=description,
            gazetteer=gazetteer,
            departments=MappingProxyType({row.value.code: row.value for row in lists.departments}),
            families=MappingProxyType({row.value.name: row.value for row in lists.families}),
            issue_categories=MappingProxyType({row.value.code: row.value for row in lists.issue_categories}),
            rules=tuple(row.value for row in lists.rules),
            scenarios=tuple(row.value for row in lists.scenarios),
        )

    def find_unit(self, name_or_code: str) -> Department | None:
        """Return the unit of a code, name or alias; None if there is none, or several.

        A retired unit that one later unit lists among its predecessors yields that later one.
        """
        unit = self.departments.get(name_or_code.strip())
        if unit is not None:
            return self.successor_of(unit.code) or unit
        found = self._units_by_name.get(name_key(name_or_code), ())
        return found[0] if len(found) == 1 else None

    def successor_of(self, code: str) -> Department | None:
        """Return the last in the line of units that took over from a retired one.

        None if the unit is not retired, or nobody took over, or several did (it was divided).
        """
        return successor(code, self.departments, self._heirs)

    def active(self, on: date) -> tuple[Department, ...]:
        """Return the units that take tickets on a day."""
        return tuple(unit for unit in self.departments.values() if unit.is_active(on))

    def units_of(self, family: str) -> tuple[Department, ...]:
        """Return the units of a family, retired ones too."""
        return self._units_by_family.get(family, ())

    @cached_property
    def content_hash(self) -> str:
        """Return a sha256 over all that decides a dispatch; the order of entries does not matter."""
        content = {
            "city": self.city,
            "gazetteer": self.gazetteer.content_hash,
            "families": _rows(self.families.values()),
            "departments": _rows(self.departments.values()),
            "issue_categories": _rows(self.issue_categories.values()),
            "rules": _rows(self.rules),
        }
        if self.scenarios:  # a catalog without them keeps the hash it had before there were any
            content["scenarios"] = _rows(self.scenarios)
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _heirs(self) -> Mapping[str, tuple[str, ...]]:
        return heirs_of(self.departments.values())

    @cached_property
    def _units_by_name(self) -> Mapping[str, tuple[Department, ...]]:
        found: dict[str, dict[str, Department]] = {}
        for unit in self.departments.values():
            target = self.successor_of(unit.code) or unit
            for name in (unit.name, *unit.aliases):
                found.setdefault(name_key(name), {})[target.code] = target
        return {key: tuple(units.values()) for key, units in found.items()}

    @cached_property
    def _units_by_family(self) -> Mapping[str, tuple[Department, ...]]:
        found: dict[str, list[Department]] = {}
        for unit in self.departments.values():
            found.setdefault(unit.family, []).append(unit)
        return {family: tuple(units) for family, units in found.items()}


def _rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    rows = [
        {
            name: sorted(value) if isinstance(value, tuple) else str(value)
            for name, value in asdict(entry).items()
            if value not in (None, "", ())
        }
        for entry in entries
    ]
    return sorted(rows, key=lambda row: json.dumps(row, ensure_ascii=False, sort_keys=True))
