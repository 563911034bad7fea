"""Where synthetic tickets come from: streets, skewed as real ones, with invented estates and roads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Any

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

ESTATES_PER_STREET = 6


class PlaceKind(StrEnum):
    """What a ticket says of its place."""

    STREET = "street"
    DISTRICT = "district"
    ESTATE = "nickname"
    """Nothing but the name of an estate, which past tickets can teach."""
    MISSING = "no_place"


@dataclass(frozen=True, slots=True)
class Place:
    """A place as one ticket names it. `area` is None where nothing is known."""

    kind: PlaceKind
    area: Jurisdiction | None = None
    district: Jurisdiction | None = None
    text: str = ""
    address: str = ""


class Places:
    """Draws places of a city; `estates` holds those of each street by its code, whatever the seed."""

    def __init__(self, gazetteer: Gazetteer, wording: Mapping[str, Any]) -> None:
        """Take `districts`, `busy`, `estates` and `roads` of the common wording."""
        self._gazetteer = gazetteer
        self._roads: Sequence[str] = wording["roads"]
        self._ambiguous = frozenset(gazetteer.ambiguous_names())
        self._districts = [area for area in gazetteer if area.level is JurisdictionLevel.DISTRICT]
        self._district_weights = list(
            accumulate(wording["districts"].get(d.name, 50) for d in self._districts)
        )
        streets = [area for area in gazetteer if area.level is JurisdictionLevel.SUBDISTRICT]
        self.estates = _name_estates(gazetteer, streets, wording["estates"])
        self._streets, self._weights = self._rank(streets, set(wording["busy"]))
        rural = [street.name.endswith(("镇", "乡")) for street in self._streets]
        self._rural = [s for s, is_rural in zip(self._streets, rural, strict=True) if is_rural]
        self._rural_weights = [w for w, is_rural in zip(self._weights, rural, strict=True) if is_rural]
        self._all_cum, self._rural_cum = (
            list(accumulate(self._weights)),
            list(accumulate(self._rural_weights)),
        )

    def _rank(self, streets: list[Jurisdiction], busy: set[str]) -> tuple[list[Jurisdiction], list[int]]:
        """Share the weight of each district among its streets, Zipf-like: the busy ones first."""
        ranked: list[Jurisdiction] = []
        weights: list[int] = []
        shares = [b - a for a, b in zip([0, *self._district_weights], self._district_weights, strict=False)]
        for district, share in zip(self._districts, shares, strict=True):
            own = sorted((s for s in streets if s.parent == district.code), key=lambda s: s.code)
            Random(f"streets of {district.name}").shuffle(own)
            own.sort(key=lambda street: street.name not in busy)
            total = sum(1000 // (rank + 2) for rank in range(len(own))) or 1
            ranked += own
            weights += [max(1, share * 1000 * (1000 // (rank + 2)) // total) for rank in range(len(own))]
        return ranked, weights

    def draw(self, rng: Random, kind: PlaceKind, *, village: bool = False) -> Place:
        """Draw a place of a kind; for a village matter one of a town, with a village where it has any."""
        if kind is PlaceKind.MISSING:
            return Place(kind)
        if kind is PlaceKind.DISTRICT:
            district = rng.choices(self._districts, cum_weights=self._district_weights)[0]
            return Place(kind, district, district, district.name)
        if village and self._rural:
            street = rng.choices(self._rural, cum_weights=self._rural_cum)[0]
        else:
            street = rng.choices(self._streets, cum_weights=self._all_cum)[0]
        return self._describe(rng, kind, street, village=village)

    def _describe(self, rng: Random, kind: PlaceKind, street: Jurisdiction, *, village: bool) -> Place:
        district = self._gazetteer.district_of(street.code)
        estate = rng.choice(self.estates[street.code])
        building = f"{rng.randrange(1, 31)}号楼" if rng.random() < 0.5 else ""
        if building and rng.random() < 0.4:
            building += f"{rng.randrange(1, 7)}单元"
        if kind is PlaceKind.ESTATE:
            return Place(kind, street, district, estate + building)
        upper = district.name if district else ""
        spot = self._spot(rng, street, estate + building, village=village)
        stem = (
            street.aliases[0] if street.aliases and street.aliases[0] not in self._ambiguous else street.name
        )
        full = f"{upper}{street.name}{spot}"
        text = rng.choices(
            [
                full,
                f"{upper}{stem}{spot}",
                f"{street.name if street.name not in self._ambiguous else upper + street.name}{spot}",
                f"{upper}{estate}{building}",
                f"{upper}{street.name}",
                f"北京市{full}",
            ],
            cum_weights=[34, 48, 64, 76, 90, 100],
        )[0]
        return Place(kind, street, district, text, full)

    def _spot(self, rng: Random, street: Jurisdiction, estate: str, *, village: bool) -> str:
        """Name a place within a street: an estate, a road with a number, a community or a village."""
        below = self._gazetteer.children(street.code)
        villages = [area for area in below if area.name.endswith("村")] if village else []
        if villages:
            return rng.choice(villages).name
        draw = rng.random()
        if below and draw < 0.25:
            return rng.choice(below).name
        if street.aliases and draw < 0.45:
            return f"{street.aliases[0]}{rng.choice(self._roads)}{rng.randrange(1, 200)}号"
        return estate

    def road_named_after(self, rng: Random, district: Jurisdiction) -> str | None:
        """Return a road that bears the name of another district, as 昌平路 in 海淀区."""
        others = [d for d in self._districts if d.code != district.code and d.aliases]
        return f"{rng.choice(others).aliases[0]}路" if others else None


def _name_estates(
    gazetteer: Gazetteer, streets: Sequence[Jurisdiction], parts: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Give every street estates of its own, none with a name that occurs in the gazetteer."""
    taken = "\n".join(gazetteer.surfaces())
    names = [first + second for first in parts["first"] for second in parts["second"]]
    free = [name for name in names if name not in taken]
    Random("estates").shuffle(free)
    order = sorted(streets, key=lambda street: street.code)
    rounds = -(-ESTATES_PER_STREET * len(order) // max(1, len(free)))
    pool = free + [f"{name}{number}区" for number in range(3, 2 + rounds) for name in free]
    return {
        street.code: pool[index * ESTATES_PER_STREET : (index + 1) * ESTATES_PER_STREET]
        for index, street in enumerate(order)
    }
