"""What one version of a catalog changed against another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, Rule
from data.catalog.lineage import heirs_of
from data.catalog.records import LIST_SEPARATOR
from data.catalog.tables import Entry

EntryT = TypeVar("EntryT", bound=Entry)


class Change(StrEnum):
    """What happened to an entry. A unit is `merged` or `divided` where `predecessors` say so."""

    ADDED = "added"
    REMOVED = "removed"
    RETIRED = "retired"
    RENAMED = "renamed"
    MERGED = "merged"
    DIVIDED = "divided"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's value before and after, as text; empty where it was left out."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that is not as it was.

    `key` is the code (families: the name; rules: category and level) and `name` the present name, or the
    last. `before` and `after` hold the codes and names that a rename, merger or division joins.
    """

    change: Change
    key: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogDiff:
    """All differences, table by table, and the content hashes of both versions."""

    old: str
    new: str
    departments: tuple[Difference, ...]
    families: tuple[Difference, ...]
    issue_categories: tuple[Difference, ...]
    rules: tuple[Difference, ...]
    scenarios: tuple[Difference, ...]
    jurisdictions: tuple[Difference, ...]

    def tables(self) -> Mapping[str, tuple[Difference, ...]]:
        """Return the differences by the name of their table."""
        return {
            "departments": self.departments,
            "families": self.families,
            "issue_categories": self.issue_categories,
            "rules": self.rules,
            "scenarios": self.scenarios,
            "jurisdictions": self.jurisdictions,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the diff as JSON can hold it."""
        tables = {name: [asdict(row) for row in rows] for name, rows in self.tables().items()}
        return {"old": self.old, "new": self.new, **tables}


def diff_catalogs(old: Catalog, new: Catalog) -> CatalogDiff:
    """Compare two versions of a catalog; units are known by their codes, families by names and aliases."""
    return CatalogDiff(
        old=old.content_hash,
        new=new.content_hash,
        departments=tuple(_departments(old, new)),
        families=tuple(_families(old, new)),
        issue_categories=tuple(
            _entries(old.issue_categories, new.issue_categories, lambda category: category.name)
        ),
        rules=tuple(_entries(_by_key(old.rules), _by_key(new.rules), lambda rule: rule.lead)),
        scenarios=tuple(
            _entries(
                {scenario.name: scenario for scenario in old.scenarios},
                {scenario.name: scenario for scenario in new.scenarios},
                lambda scenario: scenario.name,
            )
        ),
        jurisdictions=tuple(
            _entries(
                {area.code: area for area in old.gazetteer},
                {area.code: area for area in new.gazetteer},
                lambda area: area.name,
            )
        ),
    )


def _departments(old: Catalog, new: Catalog) -> Iterable[Difference]:
    heirs = heirs_of(unit for unit in new.departments.values() if _fresh_predecessors(unit, old.departments))
    explained: set[str] = set()
    found: list[Difference] = []
    for code, unit in new.departments.items():
        before = _fresh_predecessors(unit, old.departments)
        sole = [item for item in before if len(heirs[item]) == 1]
        labels = tuple(_label(old.departments[item]) for item in before)
        if len(before) > 1 or (before and code in old.departments):
            found.append(Difference(Change.MERGED, code, unit.name, before=labels, after=(_label(unit),)))
        elif sole:
            changes = _changes(old.departments[before[0]], unit, without=_LINEAGE | {"code", "name"})
            found.append(Difference(Change.RENAMED, code, unit.name, changes, labels, (_label(unit),)))
        elif before:
            continue
        elif code not in old.departments:
            found.append(Difference(Change.ADDED, code, unit.name))
            continue
        explained.update(before)
    for code, inheritors in heirs.items():
        if len(inheritors) > 1:
            after = tuple(_label(new.departments[item]) for item in inheritors)
            found.append(Difference(Change.DIVIDED, code, new.departments[code].name, after=after))
            explained.add(code)
    for code, unit in old.departments.items():
        if code not in new.departments:
            found.append(Difference(Change.REMOVED, code, unit.name))
        else:
            found += _same_code(unit, new.departments[code], explained)
    return _sorted(found)


_LINEAGE = frozenset({"predecessors", "effective_from", "effective_to"})


def _same_code(before: Department, after: Department, explained: set[str]) -> Iterable[Difference]:
    """Yield what happened to a unit that kept its code; a retirement that a merger explains is left out."""
    ended = before.effective_to is None and after.effective_to is not None
    if before.name != after.name:
        labels = ((_label(before),), (_label(after),))
        yield Difference(Change.RENAMED, after.code, after.name, (), *labels)
    if ended and after.code not in explained:
        change = FieldChange("effective_to", "", str(after.effective_to))
        yield Difference(Change.RETIRED, after.code, after.name, (change,))
    changes = _changes(before, after, without=frozenset({"name", "effective_to"} if ended else {"name"}))
    if changes:
        yield Difference(Change.CHANGED, after.code, after.name, changes)


def _fresh_predecessors(unit: Department, old: Mapping[str, Department]) -> tuple[str, ...]:
    """Return the units of the old catalog that a unit lists as predecessors, and did not list then."""
    listed = old[unit.code].predecessors if unit.code in old else ()
    return tuple(code for code in unit.predecessors if code in old and code not in listed)


def _families(old: Catalog, new: Catalog) -> Iterable[Difference]:
    renamed = {
        alias: family
        for family in new.families.values()
        for alias in family.aliases
        if alias in old.families and alias not in new.families
    }
    before = {name: family for name, family in old.families.items() if name not in renamed}
    after = dict(new.families)
    found: list[Difference] = []
    for name, family in renamed.items():
        change = Change.MERGED if family.name in old.families else Change.RENAMED
        found.append(Difference(change, family.name, family.name, before=(name,), after=(family.name,)))
        if family.name not in old.families:
            after.pop(family.name, None)
    return _sorted([*found, *_entries(before, after, lambda family: family.name)])


def _entries(
    old: Mapping[str, EntryT], new: Mapping[str, EntryT], name: Callable[[EntryT], str]
) -> Iterable[Difference]:
    found = [Difference(Change.ADDED, key, name(new[key])) for key in new if key not in old]
    found += [Difference(Change.REMOVED, key, name(old[key])) for key in old if key not in new]
    for key in old.keys() & new.keys():
        changes = _changes(old[key], new[key])
        if changes:
            found.append(Difference(Change.CHANGED, key, name(new[key]), changes))
    return _sorted(found)


def _changes(old: Entry, new: Entry, *, without: frozenset[str] = frozenset()) -> tuple[FieldChange, ...]:
    before, after = asdict(old), asdict(new)
    return tuple(
        FieldChange(field, _text(before[field]), _text(after[field]))
        for field in before
        if field not in without and _comparable(before[field]) != _comparable(after[field])
    )


def _comparable(value: object) -> object:
    return sorted(value) if isinstance(value, tuple) else value


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return LIST_SEPARATOR.join(value)
    return "" if value is None else str(value)


def _label(unit: Department) -> str:
    return f"{unit.code} {unit.name}"


def _by_key(rules: Iterable[Rule]) -> dict[str, Rule]:
    return {f"{rule.category} {rule.level}": rule for rule in rules}


def _sorted(found: Iterable[Difference]) -> list[Difference]:
    order = list(Change)
    return sorted(found, key=lambda row: (order.index(row.change), row.key))
