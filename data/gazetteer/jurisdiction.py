"""One administrative area (管辖) of a city."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JurisdictionLevel(StrEnum):
    """The levels of a city's tree, from the top down."""

    CITY = "city"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """An area, its place in the tree and every name it goes by.

    `aliases` holds other names and stems (海垦街道 -> 海垦); `name` is not repeated in it.
    """

    code: str
    name: str
    level: JurisdictionLevel
    parent: str | None = None
    aliases: tuple[str, ...] = ()
