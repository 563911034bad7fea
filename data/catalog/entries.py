"""What a dispatch catalog (派单目录) consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from data.gazetteer.jurisdiction import JurisdictionLevel


class DepartmentKind(StrEnum):
    """Who a unit is, which decides how it is addressed."""

    CITY_DEPARTMENT = "city_department"
    DISTRICT_BUREAU = "district_bureau"
    SUBDISTRICT_OFFICE = "subdistrict_office"
    PUBLIC_SERVICE_COMPANY = "public_service_company"
    PLATFORM_COMPANY = "platform_company"


class DispatchMode(StrEnum):
    """直派: one unit acts. 双派: a lead unit and those that assist it."""

    DIRECT = "direct"
    DUAL = "dual"


@dataclass(frozen=True, slots=True)
class Family:
    """The duty that sister units of several places share: 城管局 in every district.

    `duty` is plain Chinese text (职责描述); a unit of a family never trained on is scored by it.
    """

    name: str
    duty: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """A unit (承办单位): a family in a jurisdiction.

    `jurisdiction` is a gazetteer code. `duty` adds to the family's duty what is
    special to this unit. `predecessors` are codes of units whose history this one
    inherits after a rename or merger. It takes tickets from `effective_from`
    (inclusive) until `effective_to` (exclusive).
    """

    code: str
    name: str
    kind: DepartmentKind
    family: str
    jurisdiction: str
    aliases: tuple[str, ...] = ()
    duty: str = ""
    predecessors: tuple[str, ...] = ()
    effective_from: date | None = None
    effective_to: date | None = None

    def is_active(self, on: date) -> bool:
        """Tell whether the unit takes tickets on a day."""
        started = self.effective_from is None or self.effective_from <= on
        ended = self.effective_to is not None and self.effective_to <= on
        return started and not ended


@dataclass(frozen=True, slots=True)
class IssueCategory:
    """What a ticket is about (事项); a node of a tree."""

    code: str
    name: str
    parent: str | None = None
    keywords: tuple[str, ...] = ()
    duty: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who acts on an issue category at a level of place.

    `lead` and `assisting` name families; the ticket's jurisdiction picks the unit.
    `time_limit_hours` is the time to close, in working hours.
    """

    category: str
    level: JurisdictionLevel
    lead: str
    assisting: tuple[str, ...] = ()
    mode: DispatchMode = DispatchMode.DIRECT
    time_limit_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Guidance for one kind of case (场景化指引): if a text says so at such a place, this family leads.

    A text matches that holds one of `says` and, where given, one of `also`, and none of `unless`. With
    `jurisdiction`, a gazetteer code, the ticket's place must be it or lie in it. `lead` and `assisting` name
    families; without a `lead` the case is settled between units (会商). `guidance` is what operators read.
    """

    name: str
    says: tuple[str, ...]
    also: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    jurisdiction: str | None = None
    lead: str | None = None
    assisting: tuple[str, ...] = ()
    guidance: str = ""
