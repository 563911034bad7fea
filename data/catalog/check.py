"""Whether the entries of a catalog fit together: every fault in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from data.catalog.entries import Department, IssueCategory
from data.catalog.entry_lists import EntryLists, Located
from data.catalog.faults import Fault, Severity
from data.catalog.lineage import heirs_of, name_key, successor
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel

T = TypeVar("T")
_LEVELS = tuple(JurisdictionLevel)


def check_entries(lists: EntryLists, gazetteer: Gazetteer | None) -> list[Fault]:
    """Return every fault; without a gazetteer (it is broken itself) places are not checked."""
    return [
        *_check_families(lists),
        *_check_departments(lists, gazetteer),
        *_check_categories(lists),
        *_check_rules(lists, gazetteer),
    ]


def _check_families(lists: EntryLists) -> Iterator[Fault]:
    owners: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(lists.families):
        for name in (row.value.name, *row.value.aliases):
            at = row.at("name" if name == row.value.name else "aliases")
            owner, first_at = owners.setdefault(name_key(name), (number, at))
            if owner != number:
                yield Fault(
                    at,
                    f"two families are called {name}",
                    f"Rename one or merge them; the other is at {first_at}",
                )
        if not row.value.duty:
            yield Fault(
                row.at("duty"),
                f"family {row.value.name} has no duty text",
                "Write what it takes: a family without past tickets is found by this text alone",
                Severity.WARNING,
            )


def _check_departments(lists: EntryLists, gazetteer: Gazetteer | None) -> Iterator[Fault]:
    units = _first_by(lists.departments, lambda unit: unit.code)
    families = {row.value.name for row in lists.families}
    aliases = {alias: row.value.name for row in lists.families for alias in row.value.aliases}
    if not lists.departments:
        yield Fault(
            "departments", "the catalog has no units", "Add at least one department", Severity.WARNING
        )
    yield from _duplicates(lists.departments, lambda unit: unit.code, "code")
    for row in lists.departments:
        unit = row.value
        if unit.family not in families:
            meant = f"Write {aliases[unit.family]}" if unit.family in aliases else "Add it to the families"
            yield Fault(
                row.at("family"), f"there is no family {unit.family!r}", f"{meant}, or correct the name"
            )
        if gazetteer is not None and unit.jurisdiction not in gazetteer:
            yield Fault(
                row.at("jurisdiction"),
                f"there is no jurisdiction {unit.jurisdiction!r}",
                _jurisdiction_hint(unit.jurisdiction, gazetteer),
            )
        if unit.effective_from and unit.effective_to and unit.effective_to < unit.effective_from:
            yield Fault(
                row.at("effective_to"),
                f"effective_to {unit.effective_to} is before effective_from {unit.effective_from}",
                "Exchange or correct the dates",
            )
        for code in unit.predecessors:
            if code not in units:
                yield Fault(
                    row.at("predecessors"),
                    f"there is no department {code!r} to be a predecessor",
                    "Keep retired units in the catalog, with effective_to set",
                )
    yield from _cycles(
        units,
        lambda unit: unit.predecessors,
        "predecessors",
        "A unit cannot come before itself: remove one of them",
    )
    yield from _check_unit_names(lists.departments, units)


def _check_unit_names(
    rows: Iterable[Located[Department]], units: Mapping[str, Located[Department]]
) -> Iterator[Fault]:
    """A name may stand at several units only if they are one line of successors."""
    departments = {code: row.value for code, row in units.items()}
    heirs = heirs_of(departments.values())
    owners: dict[str, tuple[str, str]] = {}
    for row in rows:
        unit = row.value
        owner = (successor(unit.code, departments, heirs) or unit).code
        for name in dict.fromkeys((unit.name, *unit.aliases)):
            at = row.at("name" if name == unit.name else "aliases")
            first_owner, first_at = owners.setdefault(name_key(name), (owner, at))
            if first_owner != owner:
                yield Fault(
                    at,
                    f"two units are called {name}",
                    f"Rename one or remove the alias; the other is at {first_at}",
                )


def _jurisdiction_hint(wrong: str, gazetteer: Gazetteer) -> str:
    meant = gazetteer.named(wrong)
    if len(meant) == 1:
        return f"Give its code, {meant[0].code}"
    return "Give a code of the gazetteer's jurisdictions, or add the place there"


def _check_categories(lists: EntryLists) -> Iterator[Fault]:
    categories = _first_by(lists.issue_categories, lambda category: category.code)
    yield from _duplicates(lists.issue_categories, lambda category: category.code, "code")
    for row in lists.issue_categories:
        category = row.value
        if category.parent is not None and category.parent not in categories:
            yield Fault(
                row.at("parent"),
                f"there is no issue category {category.parent!r} to be the parent of {category.code}",
                "Add it, or correct the code",
            )
    yield from _cycles(
        categories,
        _parent_of,
        "parent",
        "A category cannot lie in itself: let one of them have another parent",
    )


def _parent_of(category: IssueCategory) -> tuple[str, ...]:
    return () if category.parent is None else (category.parent,)


def _check_rules(lists: EntryLists, gazetteer: Gazetteer | None) -> Iterator[Fault]:
    categories = {row.value.code for row in lists.issue_categories}
    families = {row.value.name for row in lists.families}
    reach = _highest_levels(lists, gazetteer)
    yield from _duplicates(lists.rules, lambda rule: f"{rule.category} at level {rule.level}", "category")
    for row in lists.rules:
        rule = row.value
        if rule.category not in categories:
            yield Fault(
                row.at("category"),
                f"there is no issue category {rule.category!r}",
                "Add it, or correct the code",
            )
        for name in (rule.lead, *rule.assisting):
            if name not in families:
                at = row.at("lead" if name == rule.lead else "assisting")
                yield Fault(at, f"there is no family {name!r}", "Add it to the families, or correct the name")
        if gazetteer is None or rule.lead not in families:
            continue
        if reach.get(rule.lead, len(_LEVELS)) > _LEVELS.index(rule.level):
            yield Fault(
                row.at("lead"),
                f"no unit of {rule.lead} stands at level {rule.level} or above it",
                "Add such a unit, or let another family lead",
                Severity.WARNING,
            )


def _highest_levels(lists: EntryLists, gazetteer: Gazetteer | None) -> dict[str, int]:
    """Return for each family the highest level that it has a unit at (0 is the city)."""
    reach: dict[str, int] = {}
    for row in lists.departments:
        unit = row.value
        if gazetteer is not None and unit.jurisdiction in gazetteer:
            depth = _LEVELS.index(gazetteer[unit.jurisdiction].level)
            reach[unit.family] = min(depth, reach.get(unit.family, depth))
    return reach


def _first_by(rows: Iterable[Located[T]], key: Callable[[T], str]) -> dict[str, Located[T]]:
    found: dict[str, Located[T]] = {}
    for row in rows:
        found.setdefault(key(row.value), row)
    return found


def _duplicates(rows: Iterable[Located[T]], key: Callable[[T], str], field: str) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for row in rows:
        value = key(row.value)
        if value in first:
            yield Fault(
                row.at(field),
                f"{value} is there twice",
                f"Remove one of them; the first is at {first[value]}",
            )
        else:
            first[value] = row.at(field)


def _cycles(
    rows: Mapping[str, Located[T]], links: Callable[[T], Iterable[str]], field: str, fix: str
) -> Iterator[Fault]:
    """Name each ring of links once, at its first member."""
    done: set[str] = set()
    for start in rows:
        path: list[str] = []
        stack = [(start, 0)]
        while stack:
            code, depth = stack.pop()
            del path[depth:]
            if code in path:
                ring = path[path.index(code) :]
                yield Fault(rows[ring[0]].at(field), f"a cycle: {' -> '.join([*ring, code])}", fix)
                continue
            if code in done or code not in rows:
                continue
            done.add(code)
            path.append(code)
            stack += [(link, depth + 1) for link in links(rows[code].value)]
