"""One ticket, laid out for the desk's template: plain values, everything in Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from data.catalog.catalog import Catalog
from data.catalog.entries import DispatchMode
from model.decision import Flag, Level, PlaceStatus, ReasonKind, Span
from serve.page import words
from serve.page.view import Segment, mark, percent
from serve.review.history import Event, Precedent, when
from serve.store.decisions import StoredDecision
from serve.store.reviews import ReviewItem

MOST_KEYS = 9


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate that a key takes."""

    key: int
    code: str
    name: str
    path: str
    score: float | None
    percent: str
    reasons: list[tuple[str, str]]
    duty: str


@dataclass(frozen=True, slots=True)
class DemandUnit:
    """A unit that may act on one demand."""

    code: str
    name: str
    percent: str


@dataclass(frozen=True, slots=True)
class DemandView:
    """One of several demands (一单多诉): characters [start, end) of the text, and its units, best first."""

    start: int
    end: int
    text: str
    units: list[DemandUnit]


@dataclass(frozen=True, slots=True)
class TicketView:
    """What the page shows of the ticket that a person holds."""

    item_id: int
    kind: str
    ticket_id: str
    title: str
    address: str
    channel: str
    created_at: str
    due_at: str
    level: str
    level_name: str
    level_hint: str
    audited: bool
    degraded: bool
    warnings: list[tuple[str, str]]
    segments: list[Segment]
    length: int
    choices: list[Choice]
    demands: list[DemandView]
    assisting: list[tuple[str, str]]
    mode_name: str
    place_status: str
    place_status_name: str
    place: str
    place_code: str | None
    options: list[str]
    category: str | None
    time_limit: int | None
    history: list[Event]
    precedents: list[Precedent]


def view_of(
    item: ReviewItem,
    decision: StoredDecision,
    catalog: Catalog,
    history: list[Event],
    precedents: list[Precedent],
    doubt: str | None = None,
) -> TicketView:
    """Lay out a stored decision; one whose text was purged shows what is left of it. `doubt` is a warning."""
    answer: dict[str, Any] = decision.answer or {}
    candidates: list[dict[str, Any]] = answer.get("candidates", [])
    leading = [candidate for candidate in candidates if candidate["role"] == "lead"][:MOST_KEYS]
    place: dict[str, Any] = answer.get("jurisdiction") or {}
    level_name, level_hint = words.LEVELS[Level(item.level)]
    status = PlaceStatus(decision.place_status)
    category = answer.get("issue_category")
    text = decision.text or ""
    return TicketView(
        item_id=item.id,
        kind=item.kind,
        ticket_id=decision.ticket_id,
        title=decision.title or "",
        address=decision.address or "",
        channel=decision.channel or "",
        created_at=when(decision.created_at or decision.answered_at),
        due_at=item.due_at.isoformat(),
        level=item.level,
        level_name=level_name,
        level_hint=level_hint,
        audited=decision.audited,
        degraded=decision.degraded,
        warnings=_warnings(decision.flags) + ([("notice", doubt)] if doubt else []),
        segments=mark(text, _spans(place.get("evidence", [])), _carrying(leading)),
        length=len(text),
        choices=[_choice(key, candidate, catalog) for key, candidate in enumerate(leading, 1)],
        demands=_demands(
            answer.get("demands", []), text
        ),  # answers stored before there were demands lack them
        assisting=[
            (candidate["department"]["code"], candidate["department"]["name"])
            for candidate in candidates
            if candidate["role"] != "lead"
        ],
        mode_name=words.MODES[DispatchMode(decision.mode)],
        place_status=status,
        place_status_name=words.PLACES[status],
        place=" › ".join(place.get("path", [])),
        place_code=decision.jurisdiction,
        options=[area["name"] for area in place.get("options", [])],
        category=category["name"] if category else None,
        time_limit=decision.time_limit_hours,
        history=history,
        precedents=precedents,
    )


def _spans(spans: Iterable[dict[str, Any]]) -> list[Span]:
    return [Span(span["start"], span["end"], span["text"]) for span in spans]


def _carrying(leading: list[dict[str, Any]]) -> list[Span]:
    """Return the words that speak for the first candidate."""
    reasons = leading[0]["reasons"] if leading else []
    return [span for reason in reasons if reason["kind"] == "words" for span in _spans(reason["spans"])]


def _warnings(flags: Iterable[str]) -> list[tuple[str, str]]:
    known = [flag for flag in words.FLAGS if flag in set(flags)]
    return [("danger" if flag is Flag.DANGER else "notice", words.FLAGS[flag]) for flag in known]


def _demands(found: list[dict[str, Any]], text: str) -> list[DemandView]:
    """Lay out the demands; none of a text that was purged, nor of a single one: there is nothing to split."""
    laid_out = [
        DemandView(
            demand["span"]["start"],
            demand["span"]["end"],
            text[demand["span"]["start"] : demand["span"]["end"]],
            [
                DemandUnit(
                    candidate["department"]["code"],
                    candidate["department"]["name"],
                    "按规则" if candidate["score"] is None else percent(candidate["score"]),
                )
                for candidate in demand["candidates"]
            ],
        )
        for demand in found
    ]
    return laid_out if text and len(laid_out) > 1 else []


def _choice(key: int, candidate: dict[str, Any], catalog: Catalog) -> Choice:
    department, area, score = candidate["department"], candidate["jurisdiction"], candidate["score"]
    unit = catalog.departments.get(department["code"])
    family = catalog.families.get(unit.family) if unit else None
    return Choice(
        key=key,
        code=department["code"],
        name=department["name"],
        path=" › ".join(area["path"]) if area else "",
        score=score,
        percent="按规则" if score is None else percent(score),
        reasons=[
            (words.REASONS[ReasonKind(reason["kind"])], reason["text"]) for reason in candidate["reasons"]
        ],
        duty=(unit.duty if unit and unit.duty else family.duty if family else ""),
    )
