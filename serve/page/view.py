"""A decision, laid out for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import orjson

from data.gazetteer.jurisdiction import Jurisdiction
from model.decision import Candidate, Decision, Flag, Span
from serve.api.answers import DecisionAnswer
from serve.page import words


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the ticket's text, and what it is evidence of: "", "place", "words" or "place words"."""

    text: str
    marks: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One row of the list of candidates."""

    name: str
    kind: str
    role: str
    path: str
    score: float | None
    percent: str
    reasons: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """All that the answer's template shows."""

    level: str
    level_name: str
    level_hint: str
    mode: str
    warnings: list[tuple[str, str]]
    candidates: list[CandidateView]
    place_status: str
    place_status_name: str
    place: str
    options: list[str]
    segments: list[Segment]
    marks: frozenset[str]
    category: str | None
    category_percent: str
    time_limit: str | None
    json: str

    @classmethod
    def from_decision(cls, decision: Decision, text: str) -> AnswerView:
        """Lay out the decision on a ticket with this text."""
        level_name, level_hint = words.LEVELS[decision.level]
        category, place = decision.issue_category, decision.jurisdiction
        segments = mark(text, place.evidence, _carrying(decision.candidates))
        answer = DecisionAnswer.from_decision(decision).model_dump()
        return cls(
            level=decision.level,
            level_name=level_name,
            level_hint=level_hint,
            mode=words.MODES[decision.mode],
            warnings=_warnings(decision),
            candidates=[_candidate(candidate) for candidate in decision.candidates],
            place_status=place.status,
            place_status_name=words.PLACES[place.status],
            place=_path(place.path),
            options=[area.name for area in place.options],
            segments=segments,
            marks=frozenset(name for segment in segments for name in segment.marks.split()),
            category=category.name if category else None,
            category_percent=percent(category.score) if category else "",
            time_limit=f"{category.time_limit_hours} 个工作小时"
            if category and category.time_limit_hours
            else None,
            json=orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode(),
        )

    @property
    def summary(self) -> str:
        """Return what a screen reader announces."""
        first = self.candidates[0] if self.candidates else None
        return f"{self.level_name}。" + (
            f"首选：{first.name}，{first.percent}。" if first else "没有候选单位。"
        )


def percent(score: float) -> str:
    """Write a probability as a percentage that never claims certainty."""
    return f"{min(score, 0.999) * 100:.1f}%"


def mark(text: str, place: Iterable[Span], words_: Iterable[Span]) -> list[Segment]:
    """Cut a text where evidence begins and ends; pieces may be evidence of both kinds."""
    spans = [("place", span) for span in place] + [("words", span) for span in words_]
    cuts = {0, len(text)}
    for _, span in spans:
        cuts |= {min(max(span.start, 0), len(text)), min(max(span.end, 0), len(text))}
    edges = sorted(cuts)
    return [
        Segment(
            text[start:end],
            " ".join(sorted({name for name, span in spans if span.start <= start and end <= span.end})),
        )
        for start, end in pairwise(edges)
    ]


def _carrying(candidates: Iterable[Candidate]) -> list[Span]:
    """Return the words that speak for the first candidate."""
    first = next(iter(candidates), None)
    return (
        [span for reason in first.reasons if reason.kind == "words" for span in reason.spans] if first else []
    )


def _warnings(decision: Decision) -> list[tuple[str, str]]:
    order = {flag: position for position, flag in enumerate(words.FLAGS)}
    flags = sorted(decision.flags, key=lambda flag: order[flag])
    lines = [("danger" if flag is Flag.DANGER else "notice", words.FLAGS[flag]) for flag in flags]
    return [("notice", words.DEGRADED), *lines] if decision.degraded else lines


def _path(path: Iterable[Jurisdiction]) -> str:
    return " › ".join(area.name for area in path)


def _candidate(candidate: Candidate) -> CandidateView:
    unit = candidate.department
    return CandidateView(
        name=unit.name,
        kind=words.KINDS[unit.kind],
        role=words.ROLES[candidate.role],
        path=_path(candidate.jurisdiction),
        score=candidate.score,
        percent="按规则" if candidate.score is None else percent(candidate.score),
        reasons=[(words.REASONS[reason.kind], reason.text) for reason in candidate.reasons],
    )
