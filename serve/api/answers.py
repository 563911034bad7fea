"""What the API gives, and the one way a decision becomes bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field

from data.catalog.entries import DepartmentKind, DispatchMode
from data.gazetteer.jurisdiction import Jurisdiction
from model.decision import (
    AnsweredBy,
    Candidate,
    Decision,
    Flag,
    Level,
    PlacedJurisdiction,
    PlaceStatus,
    ReasonKind,
    Role,
    ScoredCategory,
    Span,
)
from serve.api.examples import ANSWER

_DECIMALS = 4
"""What is left of a score: further digits of a probability say nothing and differ with the batch."""

Score = Annotated[float, Field(ge=0, le=1)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpanAnswer(_Answer):
    """A piece of the text as it was sent: characters (code points) `start` to before `end`."""

    start: int
    end: int
    text: str


class DepartmentAnswer(_Answer):
    """A unit of the catalog (承办单位)."""

    code: str
    name: str
    kind: DepartmentKind


class AreaAnswer(_Answer):
    """An area by its code and name."""

    code: str
    name: str


class UnitAreaAnswer(AreaAnswer):
    """The area that a unit answers for; `path` names the areas from the city down to it."""

    path: list[str]


class ReasonAnswer(_Answer):
    """One thing that speaks for a candidate, in Chinese, and where the text says it."""

    kind: ReasonKind
    text: str
    spans: list[SpanAnswer]


class CandidateAnswer(_Answer):
    """A unit that may act.

    `score` is the calibrated probability that it is the right one; null of units that assist by rule.
    """

    department: DepartmentAnswer
    role: Role
    jurisdiction: UnitAreaAnswer | None
    score: Score | None
    reasons: list[ReasonAnswer]


class CategoryAnswer(_Answer):
    """What the ticket is about (事项), and the working hours to close it where the catalog says."""

    code: str
    name: str
    score: Score
    time_limit_hours: int | None


class PlaceAnswer(_Answer):
    """Where the ticket belongs; `options` are the areas it could be when that is ambiguous."""

    status: PlaceStatus
    code: str | None
    path: list[str]
    score: Score
    evidence: list[SpanAnswer]
    options: list[AreaAnswer]


class DemandAnswer(_Answer):
    """One of several demands (一单多诉): the piece of the text that makes it, and who may act, best first."""

    span: SpanAnswer
    candidates: list[CandidateAnswer]


class VersionsAnswer(_Answer):
    """Content hashes of what answered."""

    model: str
    catalog: str
    policy: str


class DecisionAnswer(_Answer):
    """The answer to one ticket; candidates come best first.

    `level` is what the caller may do: `auto` route it, `preselect` have one click confirm the first
    candidate, `suggest` have a person choose, `consult` (会商) settle it between units. `demands` takes a
    ticket that makes several apart; it is empty for all others. `answered_by` says what the candidates rest
    on: `model`, or `lexical` when the expert for words was sure enough to answer without the encoder, or
    `rules`. `degraded` says that
    the model did not take part: the catalog's rules alone answered. `stored` says that the decision is in the
    service's database; it is false while that is down (the decision then waits in a file), and without one.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    ticket_id: str
    level: Level
    mode: DispatchMode
    candidates: list[CandidateAnswer]
    issue_category: CategoryAnswer | None
    jurisdiction: PlaceAnswer
    flags: list[Flag]
    demands: list[DemandAnswer]
    answered_by: AnsweredBy
    degraded: bool
    stored: bool
    versions: VersionsAnswer

    @classmethod
    def from_decision(cls, decision: Decision) -> DecisionAnswer:
        """Put a decision into the form that callers know."""
        versions = decision.versions
        return cls(
            ticket_id=decision.ticket_id,
            level=decision.level,
            mode=decision.mode,
            candidates=[_candidate(candidate) for candidate in decision.candidates],
            issue_category=_category(decision.issue_category),
            jurisdiction=_place(decision.jurisdiction),
            flags=list(decision.flags),
            demands=[
                DemandAnswer(
                    span=_span(demand.span), candidates=[_candidate(unit) for unit in demand.candidates]
                )
                for demand in decision.demands
            ],
            answered_by=decision.answered_by,
            degraded=decision.degraded,
            stored=getattr(decision, "stored", False),
            versions=VersionsAnswer(model=versions.model, catalog=versions.catalog, policy=versions.policy),
        )


class BatchAnswer(_Answer):
    """The answers to a batch, in the order of its tickets."""

    decisions: list[DecisionAnswer]


class OutcomeAnswer(_Answer):
    """What is known of a ticket, by units' codes, kept apart: nothing is concluded from one to another.

    `held` is the unit that took it last; `returned` are units that sent it back and did not take it later.
    """

    ticket_id: str
    model: str | None
    operator: str | None
    held: str | None
    returned: list[str]


class SimilarTicketAnswer(_Answer):
    """A past ticket: the beginning of its text, masked, and the code of the unit that a person gave it to."""

    ticket_id: str
    text: str
    unit: str
    decided_at: datetime


class SimilarAnswer(_Answer):
    """Past tickets that say much the same, the closest first; fewer or none where nothing is close."""

    tickets: list[SimilarTicketAnswer]


class StatusAnswer(_Answer):
    """How the service is."""

    status: str


class VersionAnswer(_Answer):
    """The release of the service, and content hashes of what it serves."""

    service: str
    model: str
    catalog: str
    policy: str


def decision_bytes(decision: Decision) -> bytes:
    """Return the JSON of a decision: the body of /v1/score, and a line of what `paidan score` writes."""
    return orjson.dumps(DecisionAnswer.from_decision(decision).model_dump())


def batch_bytes(decisions: Iterable[Decision]) -> bytes:
    """Return the body of /v1/score/batch."""
    return b'{"decisions":[' + b",".join(map(decision_bytes, decisions)) + b"]}"


def _span(span: Span) -> SpanAnswer:
    return SpanAnswer(start=span.start, end=span.end, text=span.text)


def _spans(spans: Sequence[Span]) -> list[SpanAnswer]:
    return [_span(span) for span in spans]


def _names(path: Sequence[Jurisdiction]) -> list[str]:
    return [area.name for area in path]


def _candidate(candidate: Candidate) -> CandidateAnswer:
    unit, path = candidate.department, candidate.jurisdiction
    return CandidateAnswer(
        department=DepartmentAnswer(code=unit.code, name=unit.name, kind=unit.kind),
        role=candidate.role,
        jurisdiction=UnitAreaAnswer(code=path[-1].code, name=path[-1].name, path=_names(path))
        if path
        else None,
        score=None if candidate.score is None else round(candidate.score, _DECIMALS),
        reasons=[
            ReasonAnswer(kind=reason.kind, text=reason.text, spans=_spans(reason.spans))
            for reason in candidate.reasons
        ],
    )


def _category(category: ScoredCategory | None) -> CategoryAnswer | None:
    if category is None:
        return None
    return CategoryAnswer(
        code=category.code,
        name=category.name,
        score=round(category.score, _DECIMALS),
        time_limit_hours=category.time_limit_hours,
    )


def _place(place: PlacedJurisdiction) -> PlaceAnswer:
    return PlaceAnswer(
        status=place.status,
        code=place.jurisdiction.code if place.jurisdiction else None,
        path=_names(place.path),
        score=round(place.score, _DECIMALS),
        evidence=_spans(place.evidence),
        options=[AreaAnswer(code=area.code, name=area.name) for area in place.options],
    )
