"""From scores to a decision: candidates with reasons, the catalog's rules and scenarios, flags, a level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DispatchMode, Rule
from data.gazetteer.jurisdiction import Jurisdiction
from data.tickets.ticket import Ticket
from model.categories import IssueCategoryMatcher
from model.decision import (
    AnsweredBy,
    Candidate,
    Decision,
    Demand,
    Flag,
    Level,
    PlacedJurisdiction,
    Reason,
    ReasonKind,
    Role,
    ScoredCategory,
    Span,
    Versions,
)
from model.explain import Explainer
from model.flags import FlagFinder
from model.inputs import ModelInput
from model.lexical_features import Reading
from model.policy import Policy
from model.rules import RuleBook
from model.scenarios import ScenarioBook, ScenarioMatch

FloatArray = NDArray[np.float32]

_SCORE_DECIMALS = 4
_UNITS_A_DEMAND = 3
_HOLDING = frozenset({Flag.OUT_OF_SCOPE, Flag.DANGER, Flag.MULTIPLE_DEMANDS})


class Decider:
    """Decides by the catalog and the policy. `units` are in the order of the scores."""

    def __init__(
        self,
        catalog: Catalog,
        units: Sequence[Department],
        policy: Policy,
        explainer: Explainer,
        versions: Versions,
    ) -> None:
        self._catalog = catalog
        self._units = units
        self._row = {unit.code: row for row, unit in enumerate(units)}
        self._policy = policy
        self._explainer = explainer
        self._versions = versions
        self._categories = IssueCategoryMatcher(catalog)
        self._rules = RuleBook(catalog)
        self._scenarios = ScenarioBook(catalog)
        self._flags = FlagFinder.from_config(catalog.gazetteer)

    def decide(
        self,
        item: ModelInput,
        placed: PlacedJurisdiction,
        words: Reading,
        scores: FloatArray,
        *,
        top_k: int,
        truncated: bool,
    ) -> Decision:
        """Return the decision on a ticket with scores [U]; `truncated` says that not all of it was read."""
        ranked: list[int] = np.argsort(-scores, kind="stable")[:top_k].tolist()
        first = self._units[ranked[0]]
        category = self._categories.match(item.text, first.family)
        area = placed.jurisdiction or self._catalog.gazetteer[first.jurisdiction]
        rule = self._rules.rule(category.code, area.level) if category else None
        candidates = [
            self._candidate(
                self._units[row],
                Role.LEAD,
                round(float(scores[row]), _SCORE_DECIMALS),
                self._explainer.reasons(item, words, self._units[row], row, placed, rule),
            )
            for row in ranked
            if scores[row] > 0
        ]
        # A rule speaks for the proposed lead only if it names its family: the model may know better.
        applies = rule if rule is not None and rule.lead == first.family else None
        mode = applies.mode if applies is not None else DispatchMode.DIRECT
        if applies is not None and mode is DispatchMode.DUAL:
            candidates += self._assisting(applies.assisting, area, first, _day(item.ticket))
        flags = self.flags(item, placed)
        decision = Decision(
            ticket_id=item.ticket.ticket_id,
            level=self._level(float(scores[ranked[0]]), first, flags),
            mode=mode,
            candidates=tuple(candidates),
            issue_category=_with_limit(category, rule),
            jurisdiction=placed,
            flags=(*flags, Flag.TEXT_TRUNCATED) if truncated else flags,
            degraded=False,
            versions=self._versions,
        )
        found = self._scenarios.match(item.text, placed)
        return decision if found is None else self._guided(decision, found, item, scores, area, top_k)

    def demand(self, item: ModelInput, piece: tuple[int, int], scores: FloatArray) -> Demand | None:
        """Return one demand of a ticket, `piece` of its normalised text, whose own scores [U] are given."""
        span = item.normalised.original_span(*piece)
        if span is None:
            return None
        ranked: list[int] = np.argsort(-scores, kind="stable")[:_UNITS_A_DEMAND].tolist()
        return Demand(
            Span(*span, item.ticket.text[slice(*span)]),
            tuple(
                self._candidate(self._units[row], Role.LEAD, round(float(scores[row]), _SCORE_DECIMALS))
                for row in ranked
                if scores[row] > 0
            ),
        )

    def fallback(self, item: ModelInput, placed: PlacedJurisdiction) -> Decision:
        """Decide by keywords, rules and scenarios alone, for when the model cannot answer in time."""
        category = self._categories.match(item.text)
        area = placed.jurisdiction or self._catalog.gazetteer.city
        rule = self._rules.rule(category.code, area.level) if category else None
        on = _day(item.ticket)
        lead = self._rules.unit_in_place(rule.lead, area.code, on) if rule else None
        candidates = [] if lead is None else [self._candidate(lead, Role.LEAD, None)]
        if rule is not None and lead is not None:
            candidates += self._assisting(rule.assisting, area, lead, on)
        decision = Decision(
            ticket_id=item.ticket.ticket_id,
            level=Level.SUGGEST if candidates else Level.CONSULT,
            mode=rule.mode if rule and lead else DispatchMode.DIRECT,
            candidates=tuple(candidates),
            issue_category=_with_limit(category, rule),
            jurisdiction=placed,
            flags=self.flags(item, placed),
            degraded=True,
            answered_by=AnsweredBy.RULES,
            versions=self._versions,
        )
        found = self._scenarios.match(item.text, placed)
        return decision if found is None else self._guided(decision, found, item, None, area, 1)

    def flags(self, item: ModelInput, placed: PlacedJurisdiction) -> tuple[Flag, ...]:
        """Return what the caller must know of a ticket besides the unit."""
        return self._flags.find(item.text, placed)

    def is_held(self, item: ModelInput, placed: PlacedJurisdiction, row: int) -> bool:
        """Tell whether a ticket is for a person, however sure the model is of the unit of a row.

        Its flags may say so, or a scenario that names another unit, or none.
        """
        if _is_held(self.flags(item, placed)):
            return True
        found = self._scenarios.match(item.text, placed)
        if found is None or found.scenario.lead is None:
            return found is not None
        first = self._units[row]
        area = placed.jurisdiction or self._catalog.gazetteer[first.jurisdiction]
        unit = self._rules.unit_in_place(found.scenario.lead, area.code, _day(item.ticket))
        return unit is not None and unit.code != first.code

    def _guided(
        self,
        decision: Decision,
        found: ScenarioMatch,
        item: ModelInput,
        scores: FloatArray | None,
        area: Jurisdiction,
        top_k: int,
    ) -> Decision:
        """Put the unit that a scenario names first.

        The city wrote it for exactly this case, so it goes before the model's opinion; but its promise is the
        city's, not the policy's, so it routes nothing by itself unless the model says the same.
        """
        scenario = found.scenario
        if scenario.lead is None:
            return replace(decision, level=Level.CONSULT)
        on = _day(item.ticket)
        unit = self._rules.unit_in_place(scenario.lead, area.code, on)
        if unit is None:
            return decision
        said = Reason(ReasonKind.RULE, _guidance(found), _where_said(item, found))
        leads = [candidate for candidate in decision.candidates if candidate.role is Role.LEAD]
        known = next((c for c in leads if c.department.code == unit.code), None)
        agrees = bool(leads) and leads[0] is known
        score = None
        if scores is not None and unit.code in self._row:
            score = round(float(scores[self._row[unit.code]]), _SCORE_DECIMALS)
        first = self._candidate(unit, Role.LEAD, score, (said, *(known.reasons if known else ())))
        assisting = list(self._assisting(scenario.assisting, area, unit, on))
        rest = [candidate for candidate in leads if candidate is not known][: top_k - 1]
        return replace(
            decision,
            candidates=(first, *rest, *assisting),
            mode=DispatchMode.DUAL if assisting else DispatchMode.DIRECT,
            level=decision.level if agrees or decision.degraded else Level.PRESELECT,
        )

    def _assisting(
        self, families: Sequence[str], area: Jurisdiction, lead: Department, on: date
    ) -> Iterator[Candidate]:
        for unit in self._rules.assisting(families, area.code, lead, on):
            yield self._candidate(unit, Role.ASSISTING, None)

    def _level(self, score: float, unit: Department, flags: Sequence[Flag]) -> Level:
        place = self._catalog.gazetteer[unit.jurisdiction].level
        return self._policy.level(score, unit.code, place, held=_is_held(flags))

    def _candidate(
        self, unit: Department, role: Role, score: float | None, reasons: tuple[Reason, ...] = ()
    ) -> Candidate:
        return Candidate(
            department=unit,
            role=role,
            jurisdiction=self._catalog.gazetteer.path(unit.jurisdiction),
            score=score,
            reasons=reasons,
        )


def _is_held(flags: Sequence[Flag]) -> bool:
    """Tell whether flags keep a ticket for a person: the model was not asked to judge that.

    One unit alone would settle only one of several demands.
    """
    return not _HOLDING.isdisjoint(flags)


def _guidance(found: ScenarioMatch) -> str:
    scenario = found.scenario
    return f"{scenario.name}：{scenario.guidance}" if scenario.guidance else scenario.name


def _where_said(item: ModelInput, found: ScenarioMatch) -> tuple[Span, ...]:
    span = item.original_span(found.start, found.end)
    return () if span is None else (Span(*span, item.ticket.text[slice(*span)]),)


def _day(ticket: Ticket) -> date:
    return ticket.created_at.date() if ticket.created_at else date.today()


def _with_limit(category: ScoredCategory | None, rule: Rule | None) -> ScoredCategory | None:
    if category is None or rule is None:
        return category
    return ScoredCategory(category.code, category.name, category.score, rule.time_limit_hours)
