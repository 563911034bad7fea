"""The one door to the model: tickets in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.entries import Department
from data.catalog.folder import load_catalog
from data.tickets.columns import ColumnMapping
from data.tickets.ticket import Ticket
from model import artifact
from model.artifact import Manifest
from model.artifact_encoder import open_encoder
from model.calibration import Calibration
from model.cascade import Cascade
from model.combination import Combination
from model.deciding import Decider
from model.decision import AnsweredBy, Decision, Demand, Flag, Versions
from model.demands import split_demands
from model.experts import Experts
from model.explain import Explainer
from model.head import CatalogHead, HeadWeights
from model.inputs import ModelInput, model_input
from model.jurisdiction import PlaceReading, PlaceResolver
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.place_evidence import PlaceEvidence
from model.place_names import LearnedPlaces
from model.policy import Policy
from model.runtime import Precision
from model.succession import Succession

FloatArray = NDArray[np.float32]

_DAYS_REMEMBERED = 64


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
        cascade: Cascade | None = None,
    ) -> None:
        self.catalog = catalog
        self.experts = experts
        self.policy = policy
        self.versions = versions
        self.columns = columns
        self.manifest = manifest
        self._combination = combination
        self._calibration = calibration
        self._cascade = cascade
        self._units = [catalog.departments[code] for code in experts.head.layout.units]
        self._succession = Succession(self._units)
        explainer = Explainer(catalog, experts.lexical)
        self._decider = Decider(catalog, self._units, policy, explainer, versions)
        # Nearly all tickets are of the same few days, and asking each unit takes a while.
        self._closed_on = lru_cache(_DAYS_REMEMBERED)(partial(_closed_units, self._units))

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        threads: int | None = None,
        precision: Precision = Precision.FP32,
        cascade: bool = False,
        shared: bool = False,
    ) -> Dispatcher:
        """Load an artifact folder; `threads` limits the cores that one call uses.

        With `cascade`, `score` lets the lexical expert answer alone where the artifact says that it may.
        `shared` says that calls come from several threads, and others need the cores as well.

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
                open_encoder(folder, manifest, precision, threads, shared=shared),
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
            cascade=Cascade.load(folder / artifact.CASCADE) if cascade else None,
        )

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, in order, each with at most `top_k` lead candidates."""
        if not tickets:
            return []
        inputs = [model_input(ticket) for ticket in tickets]
        places = self.experts.read_places(inputs)
        words = self.experts.read_words(inputs)
        scores, alone = self._cascaded(inputs, places, self.experts.lexical.margins(words))
        decisions = [
            self._decider.decide(
                item, place.placed, read, row, top_k=top_k, truncated=self._is_truncated(item.text)
            )
            for item, place, read, row in zip(inputs, places, words, scores, strict=True)
        ]
        decisions = [
            replace(decision, answered_by=AnsweredBy.LEXICAL) if by_words else decision
            for decision, by_words in zip(decisions, alone, strict=True)
        ]
        return self._with_demands(inputs, decisions)

    def scores(self, tickets: Sequence[Ticket]) -> FloatArray:
        """Return the calibrated probability of each unit, float32 [N, U], in the layout's order of units."""
        inputs = [model_input(ticket) for ticket in tickets]
        return self._scores(inputs, self.experts.read_places(inputs))

    def assess(self, tickets: Sequence[Ticket]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return `scores` [N, U], and [N] whether flags or a scenario keep a ticket for a person."""
        inputs = [model_input(ticket) for ticket in tickets]
        readings = self.experts.read_places(inputs)
        scores = self._scores(inputs, readings)
        held = [
            self._decider.is_held(item, reading.placed, int(row.argmax()))
            for item, reading, row in zip(inputs, readings, scores, strict=True)
        ]
        return scores, np.array(held, dtype=bool)

    def run_encoder(self, folder: Path, precision: Precision, threads: int | None) -> None:
        """Run the artifact's encoder in another way from now on; raise ArtifactError if it has it not."""
        self.experts.runtime = open_encoder(folder, self.manifest, precision, threads)

    @property
    def side_by_side(self) -> int:
        """Return how many calls the encoder runs at a time; further ones wait for it."""
        return self.experts.runtime.side_by_side

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """Return the encoder's vectors float32 [N, H]: texts that say the same lie close together."""
        runtime = self.experts.runtime
        return runtime.encode(runtime.tokenize([model_input(Ticket("", text)).text for text in texts]))

    def fallback(self, ticket: Ticket) -> Decision:
        """Answer by keywords and rules alone, for when the model cannot answer in time."""
        item = model_input(ticket)
        return self._decider.fallback(item, self.experts.places.resolver.read(ticket, item.normalised).placed)

    def _with_demands(self, inputs: Sequence[ModelInput], decisions: list[Decision]) -> list[Decision]:
        """Score the demands of tickets that make several, all in one go: most batches hold none."""
        pieces = [
            (index, piece)
            for index, (item, decision) in enumerate(zip(inputs, decisions, strict=True))
            if Flag.MULTIPLE_DEMANDS in decision.flags
            for piece in split_demands(item.normalised.text)
        ]
        if not pieces:
            return decisions
        opening = {index: piece[0] for index, piece in reversed(pieces)}  # where the first demand begins
        parts = [_part(inputs[index], piece, opening[index], decisions[index]) for index, piece in pieces]
        scores = self.scores(parts)
        demands: dict[int, list[Demand]] = {}
        for (index, piece), row in zip(pieces, scores, strict=True):
            demand = self._decider.demand(inputs[index], piece, row)
            if demand is not None:
                demands.setdefault(index, []).append(demand)
        return [
            replace(decision, demands=tuple(demands[index])) if index in demands else decision
            for index, decision in enumerate(decisions)
        ]

    def _is_truncated(self, text: str) -> bool:
        runtime = self.experts.runtime
        return len(text) > runtime.max_tokens and runtime.is_truncated(text)

    def _cascaded(
        self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading], margins: FloatArray
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return scores [N, U], and [N] whether they are those of the lexical expert's `margins` alone."""
        alone = np.zeros(len(inputs), dtype=bool)
        if self._cascade is None:
            return self._together(inputs, places, margins), alone
        closed = self._closed(inputs)
        # It does not read what the caller says of the place, and knows nothing of days.
        reads_all = np.array([_has_text_alone(item.ticket) for item in inputs])
        open_ = ~closed[np.arange(len(inputs)), margins.argmax(axis=1)]
        alone = self._cascade.is_sure(margins) & reads_all & open_
        scores = np.empty_like(margins)
        if alone.any():
            found = self._cascade.probabilities(margins[alone])
            scores[alone] = self._cascade.calibration.apply(self._succession.apply(found, closed[alone]))
        rest = np.flatnonzero(~alone).tolist()
        if rest:
            scores[rest] = self._together([inputs[i] for i in rest], [places[i] for i in rest], margins[rest])
        return scores, alone

    def _scores(self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading]) -> FloatArray:
        return self._together(inputs, places, self.experts.lexical.margins(self.experts.read_words(inputs)))

    def _together(
        self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading], margins: FloatArray
    ) -> FloatArray:
        logits = [self.experts.encoder_logits(inputs, places), margins.copy()]
        closed = self._closed(inputs)
        if self._succession:
            scores = self._combination.scores(logits)
            return self._calibration.apply(self._succession.apply(scores, closed))
        for array in logits:
            array[closed] = -np.inf
        return self._calibration.apply(self._combination.scores(logits))

    def _closed(self, inputs: Sequence[ModelInput]) -> NDArray[np.bool_]:
        """Return which units [N, U] were closed on each ticket's day."""
        return np.stack([self._closed_on(_day(item.ticket)) for item in inputs])


def _closed_units(units: Sequence[Department], day: date) -> NDArray[np.bool_]:
    closed = np.array([not unit.is_active(day) for unit in units])
    # A day on which no unit is active is a wrong day.
    return np.zeros_like(closed) if closed.all() else closed


def _has_text_alone(ticket: Ticket) -> bool:
    return ticket.address is None and ticket.district is None and ticket.location is None


def _day(ticket: Ticket) -> date:
    return ticket.created_at.date() if ticket.created_at else date.today()


def _part(item: ModelInput, piece: tuple[int, int], opening: int, whole: Decision) -> Ticket:
    """Return a ticket that makes one demand only, with what tells where: the opening, the whole's place."""
    text = item.normalised.text
    names = "".join(area.name for area in whole.jurisdiction.path[1:])
    return replace(
        item.ticket,
        title=None,
        text=text[:opening] + text[slice(*piece)],
        address=item.ticket.address or names or None,
    )
