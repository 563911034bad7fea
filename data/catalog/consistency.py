"""Whether the entries of a catalog fit together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from data.catalog.entries import Department, Family, IssueCategory, Rule
from data.catalog.faults import Fault, Severity
from data.catalog.records import Entry
from data.gazetteer.gazetteer import Gazetteer


def find_faults(entries: Sequence[Entry], gazetteer: Gazetteer, where: Mapping[int, str]) -> Iterator[Fault]:
    """Yield what is wrong between the entries.

    `where` gives the place of each entry by its id().
    """
    departments = [entry for entry in entries if isinstance(entry, Department)]
    families = [entry for entry in entries if isinstance(entry, Family)]
    categories = [entry for entry in entries if isinstance(entry, IssueCategory)]
    rules = [entry for entry in entries if isinstance(entry, Rule)]

    yield from _doubles(departments, "code", "code", where)
    yield from _doubles(families, "name", "family", where)
    yield from _doubles(categories, "code", "code", where)
    yield from _name_clashes(departments, where)
    yield from _departments(departments, families, gazetteer, where)
    yield from _categories(categories, where)
    yield from _rules(rules, departments, families, categories, gazetteer, where)
    for family in families:
        if not family.duty:
            yield Fault(
                where[id(family)],
                f"family {family.name} has no duty text",
                "Say in a sentence what it is for: it is what new units of it are scored by.",
                Severity.WARNING,
            )


def _doubles(entries: Sequence[Entry], field: str, word: str, where: Mapping[int, str]) -> Iterator[Fault]:
    first: dict[str, Entry] = {}
    for entry in entries:
        value = getattr(entry, field)
        if value in first:
            yield Fault(
                where[id(entry)],
                f"{word} {value} is used twice (first in {where[id(first[value])]})",
                "Rename one.",
            )
        first.setdefault(value, entry)


def _name_clashes(departments: Sequence[Department], where: Mapping[int, str]) -> Iterator[Fault]:
    owner: dict[str, Department] = {}
    for unit in departments:
        for name in dict.fromkeys(
            "".join(unicodedata.normalize("NFKC", n).split()) for n in (unit.name, *unit.aliases)
        ):
            other = owner.setdefault(name, unit)
            # A unit and the one it replaced may well share a name: they are never active together.
            if (
                other is not unit
                and other.code not in unit.predecessors
                and unit.code not in other.predecessors
            ):
                yield Fault(
                    where[id(unit)],
                    f"the name {name} also belongs to {other.code} ({where[id(other)]})",
                    "Give each unit a name of its own, or drop the alias from one.",
                )


def _departments(
    departments: Sequence[Department],
    families: Sequence[Family],
    gazetteer: Gazetteer,
    where: Mapping[int, str],
) -> Iterator[Fault]:
    known_families = {family.name for family in families}
    known_units = {unit.code for unit in departments}
    for unit in departments:
        at = where[id(unit)]
        if unit.family not in known_families:
            yield Fault(at, f"family {unit.family} of {unit.name} is unknown", "Add it to the families.")
        if unit.jurisdiction not in gazetteer:
            yield Fault(
                at,
                f"jurisdiction {unit.jurisdiction} of {unit.name} is not in the gazetteer",
                "Use a code of gazetteer/jurisdictions.csv.",
            )
        for code in unit.predecessors:
            if code not in known_units:
                yield Fault(
                    at, f"predecessor {code} of {unit.name} is unknown", "Keep retired units in the catalog."
                )
        if unit.effective_from and unit.effective_to and unit.effective_to <= unit.effective_from:
            yield Fault(
                at, f"{unit.name} ends before it begins", "Let effective_to be later than effective_from."
            )
    parents = {unit.code: unit.predecessors for unit in departments}
    for code in _cyclic(parents):
        unit = next(unit for unit in departments if unit.code == code)
        yield Fault(where[id(unit)], f"{unit.name} is its own predecessor, by a cycle", "Break the cycle.")


def _categories(categories: Sequence[IssueCategory], where: Mapping[int, str]) -> Iterator[Fault]:
    known = {category.code for category in categories}
    for category in categories:
        if category.parent is not None and category.parent not in known:
            yield Fault(
                where[id(category)],
                f"parent {category.parent} of {category.name} is missing",
                "Add it, or mend the code.",
            )
    for code in _cyclic(
        {category.code: (category.parent,) if category.parent else () for category in categories}
    ):
        category = next(category for category in categories if category.code == code)
        yield Fault(
            where[id(category)], f"{category.name} lies in itself: a cycle of parents", "Break the cycle."
        )


def _cyclic(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the codes that reach themselves by following parents."""

    def reaches_itself(code: str) -> bool:
        seen: set[str] = set()
        waiting = list(parents.get(code, ()))
        while waiting:
            at = waiting.pop()
            if at == code:
                return True
            if at not in seen:
                seen.add(at)
                waiting.extend(parents.get(at, ()))
        return False

    return [code for code in parents if reaches_itself(code)]


def _rules(
    rules: Sequence[Rule],
    departments: Sequence[Department],
    families: Sequence[Family],
    categories: Sequence[IssueCategory],
    gazetteer: Gazetteer,
    where: Mapping[int, str],
) -> Iterator[Fault]:
    known_families = {family.name for family in families}
    known_categories = {category.code for category in categories}
    staffed = {unit.family for unit in departments}
    seen: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        at = where[id(rule)]
        if rule.category not in known_categories:
            yield Fault(at, f"category {rule.category} is unknown", "Use a code of the issue categories.")
        for family in (rule.lead, *rule.assisting):
            if family not in known_families:
                yield Fault(at, f"family {family} is unknown", "Use the name of a family.")
        if rule.lead in known_families and rule.lead not in staffed:
            yield Fault(
                at, f"no unit belongs to the lead family {rule.lead}", "Add a unit.", Severity.WARNING
            )
        other = seen.setdefault((rule.category, rule.level), rule)
        if other is not rule:
            yield Fault(
                at, f"{rule.category} at level {rule.level} has a rule ({where[id(other)]})", "Keep one."
            )
