"""Where a ticket belongs: names in the text, settled by the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data.gazetteer.elsewhere import cities, provinces
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction
from data.text import Normalised, normalise
from data.tickets.ticket import Ticket
from model.decision import PlacedJurisdiction, PlaceStatus, Span
from model.mentions import Mention, MentionFinder, Role
from model.place_names import LearnedPlaces

_SETTLED = 0.6  # chance from which on an area is taken
_RIVAL = 0.5  # share of the best area's chance that makes another one a rival
_HOME_FACTOR = 0.3
_NEAR_FACTOR = 0.6  # 对面, 附近: beside the area rather than in it
_CALLER_CHANCE = 0.9  # the district that the caller's form gives
_ADDRESS_FACTOR = 0.97
_LEARNED_FACTOR = 0.85  # learned names come from labels, which are not always right


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing that speaks for areas: `chances` by area code, and where it stands in the ticket's text."""

    chances: Mapping[str, float]
    span: tuple[int, int] | None
    learned: bool = False


@dataclass(frozen=True, slots=True)
class PlaceReading:
    """All that a ticket says of the place. `chance` is by area code, for every area above a clue too."""

    clues: tuple[Clue, ...]
    mentioned: Mapping[str, float]
    learned: Mapping[str, float]
    caller: Mapping[str, float]
    chance: Mapping[str, float]
    placed: PlacedJurisdiction


class PlaceResolver:
    """Finds the jurisdiction of a ticket, or says that it cannot: it never guesses silently."""

    def __init__(self, gazetteer: Gazetteer, learned: LearnedPlaces | None = None) -> None:
        self.gazetteer = gazetteer
        self._learned = learned or LearnedPlaces({})
        own = {name for area in gazetteer for name in (area.name, *area.aliases)}
        self._finder = MentionFinder(gazetteer, [name for name in (*cities(), *provinces()) if name not in own])
        self._above = {area.code: tuple(step.code for step in gazetteer.path(area.code)[1:]) for area in gazetteer}

    def resolve(self, ticket: Ticket) -> PlacedJurisdiction:
        """Return where the ticket belongs."""
        return self.read(ticket).placed

    def read(self, ticket: Ticket, normalised: Normalised | None = None) -> PlaceReading:
        """Return the answer with everything that speaks for it.

        `normalised` spares folding the text again where the caller has it.
        """
        text = normalised or normalise(ticket.text)
        mentions = self._finder.find(text.text)
        in_text = [self._clue(mention, mentions) for mention in mentions]
        learned = [
            Clue(
                {code: share * _LEARNED_FACTOR for code, share in found.shares.items()},
                (found.start, found.end),
                learned=True,
            )
            for found in self._learned.find(text.text)
            if not any(mention.start <= found.start and found.end <= mention.end for mention in mentions)
        ]
        caller = list(self._caller_clues(ticket))
        clues = (*in_text, *learned, *caller)
        chance = self._pool(clues)
        return PlaceReading(
            clues=clues,
            mentioned=self._pool(in_text),
            learned=self._pool(learned),
            caller=self._pool(caller),
            chance=chance,
            placed=self._settle(chance, clues, text, ticket.text),
        )

    def _clue(self, mention: Mention, mentions: Iterable[Mention]) -> Clue:
        """Turn a mention into chances; a name that several areas bear is settled by the other mentions."""
        codes = mention.codes
        if len(codes) > 1:
            others = {code for other in mentions if other is not mention for code in other.codes}
            above = {step for code in others for step in self._above[code]}
            nearest = [code for code in codes if set(self._above[code][:-1]) & above]
            codes = tuple(nearest) or codes
        # Where the caller lives is where it happened, unless the text names another place.
        at_home = mention.role is Role.HOME and any(other.role is not Role.HOME for other in mentions)
        factor = (_HOME_FACTOR if at_home else 1.0) * (_NEAR_FACTOR if mention.near else 1.0)
        chance = mention.kind.value * factor / len(codes)
        return Clue(dict.fromkeys(codes, chance), (mention.start, mention.end))

    def _caller_clues(self, ticket: Ticket) -> Iterable[Clue]:
        if ticket.district:
            codes = [area.code for area in self.gazetteer.named(ticket.district)]
            if codes:
                yield Clue({codes[0]: _CALLER_CHANCE}, None)
        if ticket.address:
            mentions = self._finder.find(normalise(ticket.address).text)
            for mention in mentions:
                chances = self._clue(mention, mentions).chances
                yield Clue({code: chance * _ADDRESS_FACTOR for code, chance in chances.items()}, None)

    def _pool(self, clues: Iterable[Clue]) -> Mapping[str, float]:
        """Combine clues as independent witnesses (noisy-or), each speaking for the areas above its own too."""
        missed: dict[str, float] = {}
        for clue in clues:
            spoken: dict[str, float] = {}
            for code, chance in clue.chances.items():
                if clue.learned:  # a learned name's counts hold the areas above already
                    spoken[code] = chance
                    continue
                for step in self._above[code]:
                    spoken[step] = min(1.0, spoken.get(step, 0.0) + chance)
            for code, chance in spoken.items():
                missed[code] = missed.get(code, 1.0) * (1.0 - chance)
        return {code: 1.0 - miss for code, miss in missed.items()}

    def _settle(
        self, chance: Mapping[str, float], clues: Iterable[Clue], text: Normalised, original: str
    ) -> PlacedJurisdiction:
        """Walk down the tree as long as one area stands out."""
        area, score = self.gazetteer.city, 1.0
        while True:
            below = sorted(
                ((chance.get(child.code, 0.0), child) for child in self.gazetteer.children(area.code)),
                key=lambda pair: -pair[0],
            )
            best, child = below[0] if below else (0.0, area)
            rivals = [other for other_chance, other in below[1:] if other_chance >= max(best * _RIVAL, 0.3)]
            if best >= _SETTLED and not rivals:
                area, score = child, best
                continue
            if area is not self.gazetteer.city:
                return self._placed(PlaceStatus.RESOLVED, area, score, clues, text, original)
            if best >= _SETTLED * _RIVAL and (rivals or best < _SETTLED):
                options = (child, *rivals)
                return self._placed(PlaceStatus.AMBIGUOUS, None, best, clues, text, original, options)
            return self._placed(PlaceStatus.MISSING, None, 0.0, (), text, original)

    def _placed(
        self,
        status: PlaceStatus,
        area: Jurisdiction | None,
        score: float,
        clues: Iterable[Clue],
        text: Normalised,
        original: str,
        options: tuple[Jurisdiction, ...] = (),
    ) -> PlacedJurisdiction:
        targets = (area,) if area is not None else options
        spans = []
        for clue in clues:
            speaks = any(
                self.gazetteer.is_within(code, target.code) or self.gazetteer.is_within(target.code, code)
                for code in clue.chances
                for target in targets
            )
            if clue.span is not None and speaks:
                start, end = text.original_span(*clue.span)
                spans.append(Span(start, end, original[start:end]))
        return PlacedJurisdiction(
            status=status,
            jurisdiction=area,
            path=self.gazetteer.path(area.code) if area is not None else (),
            score=round(score, 4),
            evidence=tuple(spans),
            options=options,
        )
