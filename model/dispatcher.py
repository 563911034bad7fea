"""The one door to the model: tickets in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DispatchMode, Rule
from data.catalog.folder import load_catalog
from data.tickets.columns import ColumnMapping
from data.tickets.ticket import Ticket
from model import artifact
from model.artifact import Manifest
from model.calibration import Calibration
from model.categories import IssueCategoryMatcher
from model.combination import Combination
from model.decision import (
    Candidate,
    Decision,
    Flag,
    Level,
    Reason,
    Role,
    ScoredCategory,
    Versions,
)
from model.experts import Experts
from model.explain import Explainer
from model.flags import FlagFinder
from model.head import CatalogHead, HeadWeights
from model.inputs import ModelInput, model_input
from model.jurisdiction import PlaceReading, PlaceResolver
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.place_evidence import PlaceEvidence
from model.place_names import LearnedPlaces
from model.policy import Policy
from model.rules import RuleBook
from model.runtime import EncoderRuntime
from model.succession import Succession

FloatArray = NDArray[np.float32]


class Dispatcher:
    """Scores tickets with a trained artifact. Safe to call from several threads."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        experts: Experts,
        combination: Combination,
        calibration: Calibration,
        policy: Policy,
        versions: Versions,
        columns: ColumnMapping,
        manifest: Manifest,
    ) -> None:
        self.catalog = catalog
        self.experts = experts
        self.policy = policy
        self.versions = versions
        self.columns = columns
        self.manifest = manifest
        self._combination = combination
        self._calibration = calibration
        self._units = [catalog.departments[code] for code in experts.head.layout.units]
        self._succession = Succession(self._units)
        self._categories = IssueCategoryMatcher(catalog)
        self._rules = RuleBook(catalog)
        self._flags = FlagFinder.from_config(catalog.gazetteer)
        self._explainer = Explainer(catalog, experts.lexical)

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Dispatcher:
        """Load an artifact folder; `threads` limits the cores that one call uses.

        Raises:
            ArtifactError: a file of it was changed or is missing.
        """
        folder = folder.resolve()  # a link may be turned to another artifact meanwhile
        manifest = artifact.open_artifact(folder)
        catalog = load_catalog(folder / artifact.CATALOG)
        layout = UnitLayout.load(folder / artifact.LAYOUT)
        resolver = PlaceResolver(catalog.gazetteer, LearnedPlaces.load(folder / artifact.PLACES))
        return cls(
            catalog=catalog,
            experts=Experts(
                EncoderRuntime.load(
                    folder / artifact.ENCODER,
                    folder / artifact.TOKENIZER,
                    max_tokens=manifest.encoder["max_tokens"],
                    pad_id=manifest.encoder["pad_id"],
                    threads=threads,
                ),
                CatalogHead(layout, HeadWeights.load(folder / artifact.HEAD)),
                PlaceEvidence(resolver, layout.jurisdictions),
                LexicalExpert.load(folder / artifact.LEXICAL),
            ),
            combination=Combination.load(folder / artifact.COMBINATION),
            calibration=Calibration.load(folder / artifact.CALIBRATION),
            policy=Policy.load(folder / artifact.POLICY),
            versions=Versions(
                model=manifest.model_version,
                catalog=catalog.content_hash[:12],
                policy=manifest.policy_version,
            ),
            columns=ColumnMapping.from_dict(dict(manifest.columns)),
            manifest=manifest,
        )

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order, each with at most `top_k` lead candidates."""
        if not tickets:
            return []
        inputs = [model_input(ticket) for ticket in tickets]
        readings = self.experts.read_places(inputs)
        scores = self._scores(inputs, readings)
        return [
            self._decide(item, reading, row, top_k)
            for item, reading, row in zip(inputs, readings, scores, strict=True)
        ]

    def scores(self, tickets: Sequence[Ticket]) -> FloatArray:
        """Return the calibrated probability of each unit, float32 [N, U], in the layout's order of units."""
        inputs = [model_input(ticket) for ticket in tickets]
        return self._scores(inputs, self.experts.read_places(inputs))

    def assess(self, tickets: Sequence[Ticket]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return `scores` [N, U], and [N] whether its flags keep a ticket from being routed by itself."""
        inputs = [model_input(ticket) for ticket in tickets]
        readings = self.experts.read_places(inputs)
        held = [
            _is_held(self._flags.find(item.text, reading.placed))
            for item, reading in zip(inputs, readings, strict=True)
        ]
        return self._scores(inputs, readings), np.array(held, dtype=bool)

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """Return the encoder's vectors float32 [N, H]: texts that say the same lie close together."""
        runtime = self.experts.runtime
        return runtime.encode(runtime.tokenize([model_input(Ticket("", text)).text for text in texts]))

    def fallback(self, ticket: Ticket) -> Decision:
        """Answer by keywords and rules alone, for when the model cannot answer in time."""
        item = model_input(ticket)
        placed = self.experts.places.resolver.read(ticket, item.normalised).placed
        category = self._categories.match(item.text)
        area = placed.jurisdiction or self.catalog.gazetteer.city
        rule = self._rules.rule(category.code, area.level) if category else None
        on = _day(ticket)
        lead = self._rules.unit_in_place(rule.lead, area.code, on) if rule else None
        candidates = [] if lead is None else [self._candidate(lead, Role.LEAD, None)]
        if rule is not None and lead is not None:
            candidates += [
                self._candidate(unit, Role.ASSISTING, None)
                for unit in self._rules.assisting(rule, area.code, lead, on)
            ]
        return Decision(
            ticket_id=ticket.ticket_id,
            level=Level.SUGGEST if candidates else Level.CONSULT,
            mode=rule.mode if rule and lead else DispatchMode.DIRECT,
            candidates=tuple(candidates),
            issue_category=_with_limit(category, rule),
            jurisdiction=placed,
            flags=self._flags.find(item.text, placed),
            degraded=True,
            versions=self.versions,
        )

    def _scores(self, inputs: Sequence[ModelInput], readings: Sequence[PlaceReading]) -> FloatArray:
        logits = self.experts.logits(inputs, readings)
        closed = np.array(
            [[not unit.is_active(_day(item.ticket)) for unit in self._units] for item in inputs]
        )
        closed[closed.all(axis=1)] = False  # a day on which no unit is active is a wrong day
        if self._succession:
            scores = self._combination.scores(logits)
            return self._calibration.apply(self._succession.apply(scores, closed))
        for array in logits:
            array[closed] = -np.inf
        return self._calibration.apply(self._combination.scores(logits))

    def _decide(self, item: ModelInput, reading: PlaceReading, scores: FloatArray, top_k: int) -> Decision:
        ranked = np.argsort(-scores, kind="stable")[:top_k]
        first = self._units[ranked[0]]
        placed = reading.placed
        category = self._categories.match(item.text, first.family)
        area = placed.jurisdiction or self.catalog.gazetteer[first.jurisdiction]
        rule = self._rules.rule(category.code, area.level) if category else None
        # A rule speaks for the proposed lead only if it names its family: the model may know better.
        applies = rule if rule is not None and rule.lead == first.family else None
        candidates = [
            self._candidate(
                self._units[row],
                Role.LEAD,
                round(float(scores[row]), 4),
                self._explainer.reasons(item, self._units[row], int(row), placed, rule),
            )
            for row in ranked
            if scores[row] > 0
        ]
        if applies is not None and applies.mode is DispatchMode.DUAL:
            candidates += [
                self._candidate(unit, Role.ASSISTING, None)
                for unit in self._rules.assisting(applies, area.code, first, _day(item.ticket))
            ]
        flags = self._flags.find(item.text, placed)
        if len(item.text) > self.experts.runtime.max_tokens and self.experts.runtime.is_truncated(item.text):
            flags = (*flags, Flag.TEXT_TRUNCATED)
        return Decision(
            ticket_id=item.ticket.ticket_id,
            level=self._level(float(scores[ranked[0]]), first, flags),
            mode=applies.mode if applies is not None else DispatchMode.DIRECT,
            candidates=tuple(candidates),
            issue_category=_with_limit(category, rule),
            jurisdiction=placed,
            flags=flags,
            degraded=False,
            versions=self.versions,
        )

    def _level(self, score: float, unit: Department, flags: Sequence[Flag]) -> Level:
        place = self.catalog.gazetteer[unit.jurisdiction].level
        return self.policy.level(score, unit.code, place, held=_is_held(flags))

    def _candidate(
        self, unit: Department, role: Role, score: float | None, reasons: tuple[Reason, ...] = ()
    ) -> Candidate:
        return Candidate(
            department=unit,
            role=role,
            jurisdiction=self.catalog.gazetteer.path(unit.jurisdiction),
            score=score,
            reasons=reasons,
        )


def _is_held(flags: Sequence[Flag]) -> bool:
    """Tell whether a ticket is for a person, however sure the model is: it was not asked to judge that."""
    return Flag.OUT_OF_SCOPE in flags or Flag.DANGER in flags


def _day(ticket: Ticket) -> date:
    return ticket.created_at.date() if ticket.created_at else date.today()


def _with_limit(category: ScoredCategory | None, rule: Rule | None) -> ScoredCategory | None:
    if category is None or rule is None:
        return category
    return ScoredCategory(category.code, category.name, category.score, rule.time_limit_hours)
