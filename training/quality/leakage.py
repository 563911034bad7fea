"""Texts that name the unit which handled them: what a model learns from those is not there at dispatch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from ahocorasick_rs import AhoCorasick
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.text import strip_routing_clause
from training.quality.ticket_rows import TicketRows

_SHORTEST_NAME = 3  # 城管 alone is a word that citizens use of a duty
_PROGRESS_EVERY = 5000


class Leak(StrEnum):
    """How a text names its unit."""

    CLAUSE = "routing_clause"
    """In what the operator added when routing it: cut it off (`strip_routing_clause` of the columns file)."""
    WORDS = "own_words"
    """Elsewhere: a citizen may well name a unit, but many of them point to a text written after dispatch."""


@dataclass(frozen=True, slots=True)
class NamingText:
    """A ticket, by its place among the rows, whose text names its unit or the unit's family."""

    place: int
    leak: Leak
    by_family: bool
    """Only the name of the family stands there, as in 请城管局处理."""


@dataclass(frozen=True, slots=True)
class LeakageScan:
    """`with_clause` counts the texts that hold a routing clause at all; `labelled` those looked at."""

    labelled: int
    with_clause: int
    naming: Sequence[NamingText]

    def count(self, leak: Leak) -> int:
        """Count the texts that name their unit in one way."""
        return sum(found.leak is leak for found in self.naming)


def scan_leakage(
    tickets: TicketRows,
    units: NDArray[np.int32],
    codes: Sequence[str],
    catalog: Catalog,
    *,
    on_progress: Callable[[float], None] | None = None,
) -> LeakageScan:
    """Look for the name of its unit (`codes[units[i]]`) in each labelled text."""
    names = _Names(catalog, codes)
    with_clause = 0
    naming: list[NamingText] = []
    labelled = np.flatnonzero(units >= 0)
    for count, place in enumerate(labelled.tolist()):
        text, unit = tickets.texts[place], int(units[place])
        plain = strip_routing_clause(text)
        has_clause = plain != text
        with_clause += has_clause
        by_family = names.found(text, unit)
        if by_family is not None:
            in_words = not has_clause or names.found(plain, unit) is not None
            naming.append(NamingText(place, Leak.WORDS if in_words else Leak.CLAUSE, by_family))
        if on_progress is not None and count % _PROGRESS_EVERY == 0:
            on_progress(count / len(labelled))
    return LeakageScan(len(labelled), with_clause, naming)


class _Names:
    """Finds the names of units and families in texts."""

    def __init__(self, catalog: Catalog, codes: Sequence[str]) -> None:
        of_unit: dict[str, set[int]] = {}
        of_family: dict[str, set[int]] = {}
        for number, code in enumerate(codes):
            unit = catalog.departments[code]
            family = catalog.families[unit.family]
            for name in (unit.name, *unit.aliases):
                of_unit.setdefault(name, set()).add(number)
            for name in (family.name, *family.aliases):
                of_family.setdefault(name, set()).add(number)
        patterns = sorted(name for name in of_unit.keys() | of_family.keys() if len(name) >= _SHORTEST_NAME)
        self._units = [frozenset(of_unit.get(name, ())) for name in patterns]
        self._families = [frozenset(of_family.get(name, ())) for name in patterns]
        self._automaton = AhoCorasick(patterns) if patterns else None

    def found(self, text: str, unit: int) -> bool | None:
        """Return False if the unit is named, True if only its family is, None if neither."""
        if self._automaton is None:
            return None
        by_family = None
        for pattern, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if unit in self._units[pattern]:
                return False
            if unit in self._families[pattern]:
                by_family = True
        return by_family
