"""Units with few tickets, and what the catalog head has for them all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class SmallClass:
    """A unit that still takes tickets and has few in the file.

    The head scores it by its family's duty and its place: `family_tickets` of `sisters` other units teach
    the one, `place_tickets` of `neighbours` other units the other. Where no ticket of the family is left, the
    duty text alone speaks for it (`duty_length` characters of it).
    """

    unit: str
    name: str
    tickets: int
    family: str
    sisters: int
    family_tickets: int
    jurisdiction: str
    neighbours: int
    place_tickets: int
    duty_length: int


def small_classes(
    units: NDArray[np.int32], codes: Sequence[str], catalog: Catalog, *, least: int
) -> list[SmallClass]:
    """Return the units of fewer than `least` tickets, the smallest first; `units` int32 [N] is -1 without."""
    counts = np.bincount(units[units >= 0], minlength=len(codes))
    count = {code: int(n) for code, n in zip(codes, counts, strict=True)}
    of_family: dict[str, list[str]] = {}
    of_place: dict[str, list[str]] = {}
    for unit in catalog.departments.values():
        of_family.setdefault(unit.family, []).append(unit.code)
        of_place.setdefault(unit.jurisdiction, []).append(unit.code)
    found = []
    for unit in catalog.departments.values():
        if count[unit.code] >= least or unit.effective_to is not None:
            continue
        sisters = [code for code in of_family[unit.family] if code != unit.code and count[code]]
        neighbours = [code for code in of_place[unit.jurisdiction] if code != unit.code and count[code]]
        found.append(
            SmallClass(
                unit=unit.code,
                name=unit.name,
                tickets=count[unit.code],
                family=unit.family,
                sisters=len(sisters),
                family_tickets=sum(count[code] for code in sisters),
                jurisdiction=catalog.gazetteer[unit.jurisdiction].name,
                neighbours=len(neighbours),
                place_tickets=sum(count[code] for code in neighbours),
                duty_length=len(catalog.families[unit.family].duty),
            )
        )
    return sorted(found, key=lambda small: (small.tickets, small.family_tickets, small.unit))
