"""What can be wrong with the units of a catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from data.catalog.entries import Department
from data.catalog.entry_lists import EntryLists, Located
from data.catalog.faults import Fault, Severity
from data.catalog.graph_faults import cycles, duplicates, first_by
from data.catalog.lineage import heirs_of, name_key, successor
from data.gazetteer.gazetteer import Gazetteer


def check_departments(
    lists: EntryLists, families: frozenset[str] | None, gazetteer: Gazetteer | None, *, unread: bool
) -> Iterator[Fault]:
    """Yield what is wrong with the units.

    Families and gazetteer are None if they could not be read; `unread` says that the units were not.
    """
    units = first_by(lists.departments, lambda unit: unit.code)
    aliases = {alias: row.value.name for row in lists.families for alias in row.value.aliases}
    if not lists.departments and not unread:
        yield Fault(
            "departments", "the catalog has no units", "Add at least one department", Severity.WARNING
        )
    yield from duplicates(lists.departments, lambda unit: unit.code, "code")
    for row in lists.departments:
        unit = row.value
        if families is not None and unit.family not in families:
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
    yield from cycles(
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
