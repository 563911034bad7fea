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
from model.calibration import Calibration
from model.combination import Combination
from model.deciding import Decider
from model.decision import Decision, Demand, Flag, Versions
from model.demands import split_demands
from model.experts import Experts
from model.explain import Explainer
from model.head import CatalogHead, HeadWeights
from model.inputs import ModelInput, model_input
from model.jurisdiction import PlaceReading, PlaceResolver
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.lexical_features import Reading
from model.place_evidence import PlaceEvidence
from model.place_names import LearnedPlaces
from model.policy import Policy
from model.runtime import EncoderRuntime
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
        explainer = Explainer(catalog, experts.lexical)
        self._decider = Decider(catalog, self._units, policy, explainer, versions)
        # Nearly all tickets are of the same few days, and asking each unit takes a while.
        self._closed_on = lru_cache(_DAYS_REMEMBERED)(partial(_closed, self._units))

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
        places = self.experts.read_places(inputs)
        words = self.experts.read_words(inputs)
        scores = self._scores(inputs, places, words)
        decisions = [
            self._decider.decide(
                item, place.placed, read, row, top_k=top_k, truncated=self._is_truncated(item.text)
            )
            for item, place, read, row in zip(inputs, places, words, scores, strict=True)
        ]
        return self._with_demands(inputs, decisions)

    def scores(self, tickets: Sequence[Ticket]) -> FloatArray:
        """Return the calibrated probability of each unit, float32 [N, U], in the layout's order of units."""
        inputs = [model_input(ticket) for ticket in tickets]
        return self._scores(inputs, self.experts.read_places(inputs), self.experts.read_words(inputs))

    def assess(self, tickets: Sequence[Ticket]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return `scores` [N, U], and [N] whether its flags keep a ticket from being routed by itself."""
        inputs = [model_input(ticket) for ticket in tickets]
        readings = self.experts.read_places(inputs)
        held = [
            self._decider.is_held(item, reading.placed)
            for item, reading in zip(inputs, readings, strict=True)
        ]
        return self._scores(inputs, readings, self.experts.read_words(inputs)), np.array(held, dtype=bool)

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

    def _scores(
        self, inputs: Sequence[ModelInput], places: Sequence[PlaceReading], words: Sequence[Reading]
    ) -> FloatArray:
        logits = [self.experts.encoder_logits(inputs, places), self.experts.lexical.margins(words)]
        closed = np.stack([self._closed_on(_day(item.ticket)) for item in inputs])
        if self._succession:
            scores = self._combination.scores(logits)
            return self._calibration.apply(self._succession.apply(scores, closed))
        for array in logits:
            array[closed] = -np.inf
        return self._calibration.apply(self._combination.scores(logits))


def _closed(units: Sequence[Department], day: date) -> NDArray[np.bool_]:
    closed = np.array([not unit.is_active(day) for unit in units])
    # A day on which no unit is active is a wrong day.
    return np.zeros_like(closed) if closed.all() else closed


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
