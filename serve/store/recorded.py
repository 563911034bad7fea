"""Decisions that the store knows of, to the store and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson

from data.catalog.entries import Department, DepartmentKind, DispatchMode
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import (
    AnsweredBy,
    Candidate,
    Decision,
    Demand,
    Flag,
    Level,
    PlacedJurisdiction,
    PlaceStatus,
    Reason,
    ReasonKind,
    Role,
    ScoredCategory,
    Span,
    Versions,
)
from serve.api.answers import DecisionAnswer


@dataclass(frozen=True, slots=True)
class RecordedDecision(Decision):
    """A decision with what the store did: `stored` is False while it waits to be written."""

    stored: bool = field(kw_only=True)

    @classmethod
    def of(cls, decision: Decision, *, stored: bool) -> RecordedDecision:
        """Mark a decision."""
        content = {field.name: getattr(decision, field.name) for field in fields(Decision)}
        return cls(**content, stored=stored)


def input_hash(ticket: Ticket) -> str:
    """Return a sha256 of all that the model is given of a ticket."""
    place = [ticket.location.lon, ticket.location.lat] if ticket.location else None
    content = [ticket.text, ticket.title, ticket.address, ticket.district, place]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def row_of(
    ticket: Ticket, decision: Decision, gazetteer: Gazetteer | None, at: datetime, *, audited: bool
) -> dict[str, Any]:
    """Return the columns of one row of `decisions`, without its revision."""
    lead = decision.candidates[0] if decision.candidates else None
    place = decision.jurisdiction.jurisdiction
    district = gazetteer.district_of(place.code) if place and gazetteer and place.code in gazetteer else None
    category = decision.issue_category
    return {
        "ticket_id": ticket.ticket_id,
        "input_sha256": input_hash(ticket),
        "text": _storable(ticket.text),
        "title": _storable(ticket.title),
        "address": _storable(ticket.address),
        "district": _storable(ticket.district),
        "longitude": ticket.location.lon if ticket.location else None,
        "latitude": ticket.location.lat if ticket.location else None,
        "channel": _storable(ticket.channel),
        "created_at": _aware(ticket.created_at),
        "answered_at": at,
        "level": decision.level.value,
        "mode": decision.mode.value,
        "unit": lead.department.code if lead else None,
        "family": lead.department.family if lead else None,
        "score": lead.score if lead else None,
        "issue_category": category.code if category else None,
        "jurisdiction": place.code if place else None,
        "district_code": district.code if district else None,
        "place_status": decision.jurisdiction.status.value,
        "flags": [flag.value for flag in decision.flags],
        "time_limit_hours": category.time_limit_hours if category else None,
        "degraded": decision.degraded,
        "audited": audited,
        "model_version": decision.versions.model,
        "catalog_version": decision.versions.catalog,
        "policy_version": decision.versions.policy,
        "answer": _storable(DecisionAnswer.from_decision(decision).model_dump(mode="json")),
    }


def _storable(value: Any) -> Any:
    """Put the replacement character where PostgreSQL could not store one: for NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    return value


def _aware(moment: datetime | None) -> datetime | None:
    """Take a ticket's naive time for the server's own."""
    return moment.astimezone() if moment is not None and moment.tzinfo is None else moment


def decision_of(answer: Mapping[str, Any]) -> RecordedDecision:
    """Return the decision behind an answer, as far as the answer tells: it gives the same answer again."""
    place, category, versions = answer["jurisdiction"], answer["issue_category"], answer["versions"]
    path = _path(place["path"], place["code"])
    return RecordedDecision(
        ticket_id=answer["ticket_id"],
        level=Level(answer["level"]),
        mode=DispatchMode(answer["mode"]),
        candidates=tuple(_candidate(candidate) for candidate in answer["candidates"]),
        issue_category=ScoredCategory(**category) if category else None,
        jurisdiction=PlacedJurisdiction(
            status=PlaceStatus(place["status"]),
            jurisdiction=path[-1] if place["code"] else None,
            path=path,
            score=place["score"],
            evidence=_spans(place["evidence"]),
            options=tuple(_area(area["code"], area["name"]) for area in place["options"]),
        ),
        flags=tuple(Flag(flag) for flag in answer["flags"]),
        answered_by=AnsweredBy(answer.get("answered_by", AnsweredBy.MODEL)),
        degraded=answer["degraded"],
        versions=Versions(**versions),
        # Answers stored before there were demands do not have them.
        demands=tuple(
            Demand(_span(demand["span"]), tuple(_candidate(unit) for unit in demand["candidates"]))
            for demand in answer.get("demands", ())
        ),
        stored=True,
    )


def _candidate(candidate: Mapping[str, Any]) -> Candidate:
    unit, area = candidate["department"], candidate["jurisdiction"]
    return Candidate(
        department=Department(unit["code"], unit["name"], DepartmentKind(unit["kind"]), "", ""),
        role=Role(candidate["role"]),
        jurisdiction=_path(area["path"], area["code"]) if area else (),
        score=candidate["score"],
        reasons=tuple(
            Reason(ReasonKind(reason["kind"]), reason["text"], _spans(reason["spans"]))
            for reason in candidate["reasons"]
        ),
    )


def _path(names: list[str], code: str | None) -> tuple[Jurisdiction, ...]:
    """Return areas of these names; only the last one's code is known."""
    return tuple(_area(code or "" if i == len(names) - 1 else "", name) for i, name in enumerate(names))


def _area(code: str, name: str) -> Jurisdiction:
    return Jurisdiction(code, name, JurisdictionLevel.CITY)


def _span(span: Mapping[str, Any]) -> Span:
    return Span(span["start"], span["end"], span["text"])


def _spans(spans: list[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(_span(span) for span in spans)
