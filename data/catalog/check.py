"""Whether the entries of a catalog fit together: every fault in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from data.catalog.entries import IssueCategory
from data.catalog.entry_lists import EntryLists
from data.catalog.faults import Fault, Severity
from data.catalog.graph_faults import cycles, duplicates, first_by
from data.catalog.lineage import name_key
from data.catalog.tables import DEPARTMENTS, FAMILIES, ISSUE_CATEGORIES
from data.catalog.unit_faults import check_departments
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel

_LEVELS = tuple(JurisdictionLevel)


def check_entries(
    lists: EntryLists, gazetteer: Gazetteer | None, *, unread: frozenset[str] = frozenset()
) -> list[Fault]:
    """Return every fault.

    `unread` names the tables (by sheet) that could not be read, and the gazetteer is None for the same
    reason: what refers to them is not checked.
    """
    families = None if FAMILIES.sheet in unread else frozenset(row.value.name for row in lists.families)
    categories = (
        None
        if ISSUE_CATEGORIES.sheet in unread
        else frozenset(row.value.code for row in lists.issue_categories)
    )
    reach = None
    if gazetteer is not None and DEPARTMENTS.sheet not in unread:
        reach = _highest_levels(lists, gazetteer)
    return [
        *_check_families(lists),
        *check_departments(lists, families, gazetteer, unread=DEPARTMENTS.sheet in unread),
        *_check_categories(lists),
        *_check_rules(lists, families, categories, reach),
        *_check_scenarios(lists, families, gazetteer),
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


def _check_categories(lists: EntryLists) -> Iterator[Fault]:
    categories = first_by(lists.issue_categories, lambda category: category.code)
    yield from duplicates(lists.issue_categories, lambda category: category.code, "code")
    for row in lists.issue_categories:
        category = row.value
        if category.parent is not None and category.parent not in categories:
            yield Fault(
                row.at("parent"),
                f"there is no issue category {category.parent!r} to be the parent of {category.code}",
                "Add it, or correct the code",
            )
    yield from cycles(
        categories,
        _parent_of,
        "parent",
        "A category cannot lie in itself: let one of them have another parent",
    )


def _parent_of(category: IssueCategory) -> tuple[str, ...]:
    return () if category.parent is None else (category.parent,)


def _check_rules(
    lists: EntryLists,
    families: frozenset[str] | None,
    categories: frozenset[str] | None,
    reach: Mapping[str, int] | None,
) -> Iterator[Fault]:
    yield from duplicates(lists.rules, lambda rule: f"{rule.category} at level {rule.level}", "category")
    for row in lists.rules:
        rule = row.value
        if categories is not None and rule.category not in categories:
            yield Fault(
                row.at("category"),
                f"there is no issue category {rule.category!r}",
                "Add it, or correct the code",
            )
        for name in (rule.lead, *rule.assisting):
            if families is not None and name not in families:
                at = row.at("lead" if name == rule.lead else "assisting")
                yield Fault(at, f"there is no family {name!r}", "Add it to the families, or correct the name")
        known = families is not None and rule.lead in families
        if known and reach is not None and reach.get(rule.lead, len(_LEVELS)) > _LEVELS.index(rule.level):
            yield Fault(
                row.at("lead"),
                f"no unit of {rule.lead} stands at level {rule.level} or above it",
                "Add such a unit, or let another family lead",
                Severity.WARNING,
            )


def _check_scenarios(
    lists: EntryLists, families: frozenset[str] | None, gazetteer: Gazetteer | None
) -> Iterator[Fault]:
    yield from duplicates(lists.scenarios, lambda scenario: scenario.name, "name")
    for row in lists.scenarios:
        scenario = row.value
        for name in ([scenario.lead] if scenario.lead else []) + list(scenario.assisting):
            if families is not None and name not in families:
                at = row.at("lead" if name == scenario.lead else "assisting")
                yield Fault(at, f"there is no family {name!r}", "Add it to the families, or correct the name")
        if scenario.assisting and scenario.lead is None:
            yield Fault(
                row.at("assisting"),
                f"scenario {scenario.name} names who assists, but nobody who leads",
                "Name a lead, or leave both out: then the case is settled between units",
            )
        if (
            scenario.jurisdiction is not None
            and gazetteer is not None
            and scenario.jurisdiction not in gazetteer
        ):
            yield Fault(
                row.at("jurisdiction"),
                f"the gazetteer has no area {scenario.jurisdiction!r}",
                "Correct the code, or leave it out: then it holds in the whole city",
            )
        both = set(scenario.says) & set(scenario.unless)
        if both:
            yield Fault(
                row.at("unless"),
                f"scenario {scenario.name} wants and forbids {sorted(both)[0]!r}",
                "Keep it in one of the two",
            )


def _highest_levels(lists: EntryLists, gazetteer: Gazetteer) -> dict[str, int]:
    """Return for each family the highest level that it has a unit at (0 is the city)."""
    reach: dict[str, int] = {}
    for row in lists.departments:
        unit = row.value
        if unit.jurisdiction in gazetteer:
            depth = _LEVELS.index(gazetteer[unit.jurisdiction].level)
            reach[unit.family] = min(depth, reach.get(unit.family, depth))
    return reach
