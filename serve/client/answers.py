"""What the service answers, as frozen dataclasses; docs/api.md explains the fields.

Fields that this release does not know are passed over, so that a newer service may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Mapping[str, Any]

Level = Literal["auto", "preselect", "suggest", "consult"]
Mode = Literal["direct", "dual"]
Role = Literal["lead", "assisting"]
AnsweredBy = Literal["model", "lexical", "rules"]
PlaceStatus = Literal["resolved", "ambiguous", "missing"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the ticket's text: characters `start` to before `end`."""

    start: int
    end: int
    text: str

    @classmethod
    def from_json(cls, content: Json) -> Span:
        """Read it out of an answer."""
        return cls(content["start"], content["end"], content["text"])


@dataclass(frozen=True, slots=True)
class Area:
    """An area by its code and name; `path` names the areas from the city down to it, where it is given."""

    code: str
    name: str
    path: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: Json) -> Area:
        """Read it out of an answer."""
        return cls(content["code"], content["name"], tuple(content.get("path", ())))


@dataclass(frozen=True, slots=True)
class Department:
    """A unit of the catalog (承办单位)."""

    code: str
    name: str
    kind: str

    @classmethod
    def from_json(cls, content: Json) -> Department:
        """Read it out of an answer."""
        return cls(content["code"], content["name"], content["kind"])


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for a candidate, in Chinese, and where the text says it."""

    kind: str
    text: str
    spans: tuple[Span, ...]

    @classmethod
    def from_json(cls, content: Json) -> Reason:
        """Read it out of an answer."""
        return cls(content["kind"], content["text"], tuple(map(Span.from_json, content["spans"])))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may act; `score` is the calibrated probability that it is right, None if a rule says so."""

    department: Department
    role: Role
    jurisdiction: Area | None
    score: float | None
    reasons: tuple[Reason, ...]

    @classmethod
    def from_json(cls, content: Json) -> Candidate:
        """Read it out of an answer."""
        area = content["jurisdiction"]
        return cls(
            Department.from_json(content["department"]),
            content["role"],
            None if area is None else Area.from_json(area),
            content["score"],
            tuple(map(Reason.from_json, content["reasons"])),
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """One of several demands (一单多诉): the piece of the text that makes it, and who may act, best first."""

    span: Span
    candidates: tuple[Candidate, ...]

    @classmethod
    def from_json(cls, content: Json) -> Demand:
        """Read it out of an answer."""
        return cls(Span.from_json(content["span"]), tuple(map(Candidate.from_json, content["candidates"])))


@dataclass(frozen=True, slots=True)
class Category:
    """What the ticket is about (事项)."""

    code: str
    name: str
    score: float
    time_limit_hours: int | None

    @classmethod
    def from_json(cls, content: Json) -> Category:
        """Read it out of an answer."""
        return cls(content["code"], content["name"], content["score"], content["time_limit_hours"])


@dataclass(frozen=True, slots=True)
class Place:
    """Where the ticket belongs; `options` are the areas it could be when that is ambiguous."""

    status: PlaceStatus
    code: str | None
    path: tuple[str, ...]
    score: float
    evidence: tuple[Span, ...]
    options: tuple[Area, ...]

    @classmethod
    def from_json(cls, content: Json) -> Place:
        """Read it out of an answer."""
        return cls(
            content["status"],
            content["code"],
            tuple(content["path"]),
            content["score"],
            tuple(map(Span.from_json, content["evidence"])),
            tuple(map(Area.from_json, content["options"])),
        )


@dataclass(frozen=True, slots=True)
class Versions:
    """Content hashes of what answered."""

    model: str
    catalog: str
    policy: str

    @classmethod
    def from_json(cls, content: Json) -> Versions:
        """Read it out of an answer."""
        return cls(content["model"], content["catalog"], content["policy"])


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one ticket; candidates come best first.

    `demands` takes a ticket that makes several apart; it is empty for all others.
    """

    ticket_id: str
    level: Level
    mode: Mode
    candidates: tuple[Candidate, ...]
    issue_category: Category | None
    jurisdiction: Place
    flags: tuple[str, ...]
    answered_by: AnsweredBy
    degraded: bool
    stored: bool
    versions: Versions
    demands: tuple[Demand, ...] = ()

    @classmethod
    def from_json(cls, content: Json) -> Decision:
        """Read it out of an answer."""
        category = content["issue_category"]
        return cls(
            content["ticket_id"],
            content["level"],
            content["mode"],
            tuple(map(Candidate.from_json, content["candidates"])),
            None if category is None else Category.from_json(category),
            Place.from_json(content["jurisdiction"]),
            tuple(content["flags"]),
            content["answered_by"],
            content["degraded"],
            content["stored"],
            Versions.from_json(content["versions"]),
            tuple(map(Demand.from_json, content.get("demands", ()))),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a ticket, by units' codes, kept apart."""

    ticket_id: str
    model: str | None
    operator: str | None
    held: str | None
    returned: tuple[str, ...]

    @classmethod
    def from_json(cls, content: Json) -> Outcome:
        """Read it out of an answer."""
        return cls(
            content["ticket_id"],
            content["model"],
            content["operator"],
            content["held"],
            tuple(content["returned"]),
        )
