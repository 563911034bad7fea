"""Where a ticket belongs: names in its text, settled by the tree of areas, with the spans they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.gazetteer.gazetteer import Gazetteer
from data.text import Normalised, normalise
from data.tickets.ticket import Ticket
from model.decision import PlacedJurisdiction, PlaceStatus, Span
from model.place_clues import CERTAIN, Clue, ClueReader
from model.place_names import LearnedPlaces

RESOLVED_FROM = 0.6
"""Posterior from which an area is taken for settled. Chosen on a later month than names were learned from."""
_OPTION_FROM = 0.2
_SINGLE_OPTION_FROM = 0.4
_WEAK_BELOW = 0.4
_RIVAL_FROM = 0.4
_NEXT_LEVEL_FROM = 0.02
_MOST_OPTIONS = 10


@dataclass(frozen=True, slots=True)
class PlaceReading:
    """All that a ticket says of the place: the clues, the share of each area they leave, and the answer."""

    clues: tuple[Clue, ...]
    placed: PlacedJurisdiction
    posterior: Mapping[str, float]


class PlaceResolver:
    """Finds the area of a ticket. Safe to call from several threads."""

    def __init__(self, gazetteer: Gazetteer, learned: LearnedPlaces | None = None) -> None:
        self.gazetteer = gazetteer
        self.learned = learned if learned is not None else LearnedPlaces()
        self._chain = {area.code: tuple(a.code for a in gazetteer.path(area.code)) for area in gazetteer}
        self._reader = ClueReader(gazetteer, self.learned, self._chain)

    def resolve(self, ticket: Ticket) -> PlacedJurisdiction:
        """Return the area of a ticket, or the areas it may be, with the spans of its text that say so."""
        return self.read(ticket).placed

    def read(self, ticket: Ticket, normalised: Normalised | None = None) -> PlaceReading:
        """Return the clues of a ticket, the share of each area that they leave, and the answer.

        `normalised` spares folding the text again where the caller has it.
        """
        normal = normalised or normalise(ticket.text)
        clues = tuple(self._reader.read(ticket, normal))
        posterior: dict[str, float] = {}
        node, score, level = self.gazetteer.city.code, 1.0, 1
        options: list[str] = []
        below: dict[str, dict[str, float]] = {}
        while clues:
            shares = below.get(node) or self._shares(clues, node, level)
            posterior.update({code: score * share for code, share in shares.items()})
            if level == 1:
                below = {
                    top: self._shares(clues, top, 2) for top in shares if shares[top] >= _NEXT_LEVEL_FROM
                }
                posterior.update({c: shares[top] * part for top in below for c, part in below[top].items()})
            best = max(shares, key=lambda code: shares[code], default=None)
            if best is None or shares[best] < RESOLVED_FROM:
                options = self._options(clues, node, shares, level)
                score *= max(shares.values()) if options else 1.0
                break
            node, score, level = best, score * shares[best], level + 1
        spans = [
            clue.span
            for clue in clues
            if clue.span and self._speaks_for(clue, options or self._chain[node][1:])
        ]
        evidence = tuple(
            Span(start, end, ticket.text[start:end])
            for start, end in (normal.original_span(*span) for span in sorted(set(spans)))
        )
        return PlaceReading(clues, self._placed(node, score, options, evidence), posterior)

    def _shares(self, clues: tuple[Clue, ...], node: str, level: int) -> dict[str, float]:
        """Return the posterior of the children of an area that some clue speaks for.

        Clues for one child join by noisy-or, 1 - prod(1 - belief); of the weak ones only the best counts,
        for two ordinary words make no place. The odds of the children, and odds of one for "none of them",
        are then scaled to sum to one.
        """
        doubt: dict[str, float] = {}
        weak: dict[str, float] = {}
        for clue in clues:
            reached = self._reached(clue, node, level)
            parts = len(reached) if clue.explicit else 1
            for child, belief in reached.items():
                if belief >= _WEAK_BELOW:
                    doubt[child] = doubt.get(child, 1.0) * (1.0 - min(belief / parts, CERTAIN))
                else:
                    weak[child] = max(weak.get(child, 0.0), belief / parts)
        for child, belief in weak.items():
            doubt[child] = doubt.get(child, 1.0) * (1.0 - belief)
        odds = {child: (1.0 - left) / left for child, left in doubt.items()}
        total = sum(odds.values()) + 1.0
        return {child: odd / total for child, odd in odds.items()}

    def _reached(self, clue: Clue, node: str, level: int) -> dict[str, float]:
        """Return the children of an area that a clue means. A learned name speaks of each level itself."""
        reached: dict[str, float] = {}
        for code, belief in clue.beliefs.items():
            chain = self._chain[code]
            length = len(chain)
            if length > level and chain[level - 1] == node and (length == level + 1 or clue.explicit):
                child = chain[level]
                if belief > reached.get(child, 0.0):
                    reached[child] = belief
        return reached

    def _options(
        self, clues: tuple[Clue, ...], node: str, shares: Mapping[str, float], level: int
    ) -> list[str]:
        """Return the areas a ticket may lie in when none is settled; [] when too little speaks for any.

        Below the top level only names of areas make it ambiguous; learned names leave it at the area above.
        """
        if level == 1 and all(max(clue.beliefs.values()) < _WEAK_BELOW for clue in clues):
            return []
        named = {
            child
            for clue in clues
            if clue.explicit
            for child, belief in self._reached(clue, node, level).items()
            if belief >= _SINGLE_OPTION_FROM
        }
        # A name that ten areas bear leaves each a small share, and still says that it is one of them.
        least = min(_OPTION_FROM, max(shares.values(), default=0.0) * _RIVAL_FROM)
        others = _OPTION_FROM if level == 1 else 1.0
        ranked = sorted(
            (code for code, share in shares.items() if share >= (least if code in named else others)),
            key=lambda code: -shares[code],
        )[:_MOST_OPTIONS]
        if len(ranked) < 2 and (level > 1 or not ranked or shares[ranked[0]] < _SINGLE_OPTION_FROM):
            return []
        return [self._deepest(clues, code, level + 1) for code in ranked]

    def _deepest(self, clues: tuple[Clue, ...], node: str, level: int) -> str:
        """Return the area that the clues settle on, given that the ticket lies in one."""
        while True:
            shares = self._shares(clues, node, level)
            best = max(shares, key=lambda code: shares[code], default=None)
            if best is None or shares[best] < RESOLVED_FROM:
                return node
            node, level = best, level + 1

    def _placed(
        self, node: str, score: float, options: list[str], evidence: tuple[Span, ...]
    ) -> PlacedJurisdiction:
        area = self.gazetteer[node] if node != self.gazetteer.city.code else None
        path = self.gazetteer.path(node) if area else ()
        if options:
            areas = tuple(self.gazetteer[code] for code in options)
            return PlacedJurisdiction(PlaceStatus.AMBIGUOUS, area, path, round(score, 4), evidence, areas)
        if area is None:
            return PlacedJurisdiction(PlaceStatus.MISSING, None, (), 0.0)
        return PlacedJurisdiction(PlaceStatus.RESOLVED, area, path, round(score, 4), evidence)

    def _speaks_for(self, clue: Clue, areas: Sequence[str]) -> bool:
        if clue.explicit:
            return any(area in self._chain[code] for code in clue.beliefs for area in areas)
        return any(clue.beliefs.get(code, 0.0) >= _SINGLE_OPTION_FROM for code in areas)
