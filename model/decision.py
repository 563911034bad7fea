"""The answer to a ticket: who acts, where it belongs, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from data.catalog.entries import Department, DispatchMode
from data.gazetteer.jurisdiction import Jurisdiction


class Level(StrEnum):
    """What the caller may do with a decision."""

    AUTO = "auto"  # route it
    PRESELECT = "preselect"  # one click confirms the first candidate
    SUGGEST = "suggest"  # a person chooses among the candidates
    CONSULT = "consult"  # 会商: no unit fits, or several share it


class AnsweredBy(StrEnum):
    """What a decision's candidates rest on."""

    MODEL = "model"  # both experts
    LEXICAL = "lexical"  # the lexical expert alone, which was sure enough
    RULES = "rules"  # the catalog alone: `degraded`


class Role(StrEnum):
    """Whether a unit leads (主办) or assists (协办)."""

    LEAD = "lead"
    ASSISTING = "assisting"


class PlaceStatus(StrEnum):
    """What the text says of the place."""

    RESOLVED = "resolved"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"


class Flag(StrEnum):
    """What the caller must know besides the unit."""

    URGENT = "urgent"
    DANGER = "danger"  # to life or property: pass on to 110, 119 or 120
    OUT_OF_SCOPE = "out_of_scope"  # court, petition, another city
    MULTIPLE_DEMANDS = "multiple_demands"  # 一单多诉
    TEXT_TRUNCATED = "text_truncated"  # the encoder read only the beginning


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the text as the caller sent it: text[start:end]."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class PlacedJurisdiction:
    """Where the ticket belongs. `path` runs from the city down to `jurisdiction`.

    `score` is in [0, 1]. `options` are the areas it could be when ambiguous.
    """

    status: PlaceStatus
    jurisdiction: Jurisdiction | None
    path: tuple[Jurisdiction, ...]
    score: float
    evidence: tuple[Span, ...] = ()
    options: tuple[Jurisdiction, ...] = ()


class ReasonKind(StrEnum):
    """What a reason rests on."""

    WORDS = "words"
    DUTY = "duty"
    PLACE = "place"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for a candidate, in Chinese, for an operator to read."""

    kind: ReasonKind
    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may act. `score` is the calibrated probability that it is the right one.

    Assisting units come from the catalog's rules, not from the model: their score is None.
    """

    department: Department
    role: Role
    jurisdiction: tuple[Jurisdiction, ...]
    score: float | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """One of several demands (一单多诉): the piece of the text that makes it, and who may act, best first."""

    span: Span
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ScoredCategory:
    """The issue category (事项) that fits best; `score` in [0, 1]."""

    code: str
    name: str
    score: float
    time_limit_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """Content hashes of what answered."""

    model: str
    catalog: str
    policy: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer to one ticket. `candidates` come best first, and speak for the ticket as a whole.

    `demands` holds its demands one by one if it makes several, and is empty otherwise.
    """

    ticket_id: str
    level: Level
    mode: DispatchMode
    candidates: tuple[Candidate, ...]
    issue_category: ScoredCategory | None
    jurisdiction: PlacedJurisdiction
    flags: tuple[Flag, ...]
    degraded: bool
    versions: Versions
    demands: tuple[Demand, ...] = ()
    answered_by: AnsweredBy = AnsweredBy.MODEL
