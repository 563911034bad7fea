"""Which units a ticket file names, and what the catalog says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.entries import Department
from data.catalog.lineage import name_key
from training.quality.ticket_rows import TicketRows

_LONGEST_NAME = 40
_LIKENESS = 0.7


class UnitState(StrEnum):
    """What the catalog says of a unit's name."""

    KNOWN = "known"
    INHERITED = "inherited"
    """Retired, and one later unit took over: its tickets count for that one."""
    RETIRED = "retired"
    """Retired, and nobody took over or several did: a person must say whose the tickets are now."""
    AMBIGUOUS = "ambiguous"
    """Several units bear the name."""
    UNKNOWN = "unknown"
    MISSING = "missing"
    """The ticket names no unit."""


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """A unit as the file spells it. `unit` is the code it stands for; `proposed` a code it may stand for."""

    name: str
    tickets: int
    state: UnitState
    unit: str | None
    proposed: str | None = None


@dataclass(frozen=True, slots=True)
class UnitCheck:
    """The names by falling count, and for each ticket the place of its unit in `codes`, int32 [N]; or -1."""

    named: Sequence[NamedUnit]
    codes: Sequence[str]
    units: NDArray[np.int32]

    def tickets(self, state: UnitState) -> int:
        """Count the tickets whose unit is in a state."""
        return sum(named.tickets for named in self.named if named.state is state)


def check_units(tickets: TicketRows, catalog: Catalog) -> UnitCheck:
    """Look every unit of the tickets up, through the catalog's history."""
    codes = sorted(catalog.departments)
    number = {code: index for index, code in enumerate(codes)}
    owners = _owners(catalog)
    counts = np.bincount(tickets.spelling[tickets.spelling >= 0], minlength=len(tickets.spellings))
    named = [
        _look_up(name, int(count), catalog, owners)
        for name, count in zip(tickets.spellings, counts, strict=True)
    ]
    unit_of_spelling = np.array(
        [*(-1 if found.unit is None else number[found.unit] for found in named), -1], dtype=np.int32
    )
    missing = int((tickets.spelling < 0).sum())
    if missing:
        named.append(NamedUnit("", missing, UnitState.MISSING, None))
    return UnitCheck(
        sorted(named, key=lambda found: (-found.tickets, found.name)),
        codes,
        unit_of_spelling[tickets.spelling],  # -1, without a unit, takes the last
    )


def _owners(catalog: Catalog) -> dict[str, dict[str, Department]]:
    owners: dict[str, dict[str, Department]] = {}
    for unit in catalog.departments.values():
        for name in (unit.code, unit.name, *unit.aliases):
            owners.setdefault(name_key(name), {})[unit.code] = unit
    return owners


def _look_up(name: str, count: int, catalog: Catalog, owners: dict[str, dict[str, Department]]) -> NamedUnit:
    found = catalog.find_unit(name)
    bearers = owners.get(name_key(name), {})
    if found is None:
        if bearers:
            return NamedUnit(name, count, UnitState.AMBIGUOUS, None)
        # What is far too long for a name may be a ticket's text from a wrong column: it is not shown.
        shown = name if len(name) <= _LONGEST_NAME else f"({len(name)} characters)"
        return NamedUnit(shown, count, UnitState.UNKNOWN, None, _closest(name, owners))
    if found.code not in bearers:
        return NamedUnit(name, count, UnitState.INHERITED, found.code)
    if found.effective_to is not None:
        return NamedUnit(name, count, UnitState.RETIRED, None)
    return NamedUnit(name, count, UnitState.KNOWN, found.code)


def _closest(name: str, owners: dict[str, dict[str, Department]]) -> str | None:
    if len(name) > _LONGEST_NAME:
        return None
    near = get_close_matches(name_key(name), owners, n=1, cutoff=_LIKENESS)
    return next(iter(owners[near[0]])) if near else None
