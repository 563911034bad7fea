"""The signs of place in a ticket: names of areas, learned names, and what the caller stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data.gazetteer.elsewhere import cities, provinces
from data.gazetteer.gazetteer import Gazetteer
from data.text import Normalised, normalise
from data.tickets.ticket import Ticket
from model.mentions import Kind, Mention, MentionFinder, Role
from model.place_names import LearnedHit, LearnedName, LearnedPlaces, tempered

_HOME_FACTOR = 0.6
"""Where the caller is from, if the text names another place as well."""
_PLAIN_FACTOR = 0.95
"""A name without 位于, 在, 反映 before it."""
CERTAIN = 0.995
"""Belief in what the caller states in `address` or `district`; nothing is believed more."""
_LEARNED_USED, _LEARNED_FROM, _LEARNED_LEAST = 4, 0.4, 0.03
"""How many learned names of a ticket count, from which belief on, and the least belief kept of one."""


@dataclass(frozen=True, slots=True)
class Clue:
    """One sign of place: areas it may mean and how far each is believed.

    `beliefs` maps codes to [0, 1]. `explicit` clues are names of areas, the others are learned names.
    `span` is the place in the normalised text; None if the clue is from another field.
    """

    beliefs: Mapping[str, float]
    explicit: bool
    span: tuple[int, int] | None = None
    field: bool = False


class ClueReader:
    """Reads the clues of tickets. `chains` maps each code to the codes from the city down to it."""

    def __init__(
        self, gazetteer: Gazetteer, learned: LearnedPlaces, chains: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._city = gazetteer.city.code
        self._learned = learned
        own = {surface for surface, codes in gazetteer.surfaces().items() if self._city in codes}
        self._finder = MentionFinder(
            gazetteer, [name for name in (*cities(), *provinces()) if name not in own]
        )
        self._beliefs = {name.surface: _believed(name, gazetteer, chains) for name in learned.names}

    def read(self, ticket: Ticket, normal: Normalised) -> list[Clue]:
        """Return the clues of a ticket; `normal` is its text folded."""
        mentions = [(mention, normal.text) for mention in self._finder.find(normal.text)]
        in_text = len(mentions)
        learned = [(hit, True) for hit in self._learned.find(normal.text)]
        if ticket.title:
            title = normalise(ticket.title).text
            mentions += [(mention, title) for mention in self._finder.find(title)]
            learned += [(hit, False) for hit in self._learned.find(title)]
        clues = self._explicit(mentions, in_text)
        for stated in (ticket.address, ticket.district):
            if stated:
                field = normalise(stated).text
                clues += [clue for mention in self._finder.find(field) if (clue := self._stated(mention))]
                learned += [(hit, False) for hit in self._learned.find(field)]
        return clues + self._learned_clues(learned)

    def _explicit(self, mentions: list[tuple[Mention, str]], in_text: int) -> list[Clue]:
        """Weigh the names in text and title: where the caller lives counts less than where it happened."""
        at_places = [mention for mention, _ in mentions if mention.codes != (self._city,)]
        only_home = all(mention.role is Role.HOME for mention in at_places)
        near = any(mention.near for mention in at_places)
        clues: dict[str, Clue] = {}
        for index, (mention, text) in enumerate(mentions):
            if mention.codes == (self._city,):
                continue
            belief = mention.kind.value
            if mention.role is Role.HOME and not only_home:
                belief *= _HOME_FACTOR
            elif mention.role is not Role.SITE and not near:
                belief *= _PLAIN_FACTOR
            surface = text[mention.start : mention.end]
            before = clues.get(surface)
            if before is None or belief > max(before.beliefs.values()):
                span = (mention.start, mention.end) if index < in_text else None
                clues[surface] = Clue(dict.fromkeys(mention.codes, belief), True, span)
        return list(clues.values())

    def _stated(self, mention: Mention) -> Clue | None:
        if mention.codes == (self._city,):
            return None
        certain = mention.kind not in (Kind.WEAK, Kind.FACILITY)
        return Clue(
            dict.fromkeys(mention.codes, CERTAIN if certain else mention.kind.value), True, None, True
        )

    def _learned_clues(self, hits: list[tuple[LearnedHit, bool]]) -> list[Clue]:
        clues: dict[str, tuple[float, Clue]] = {}
        for hit, in_text in hits:
            surface = hit.name.surface
            top, beliefs = self._beliefs[surface]
            if beliefs and surface not in clues:
                clues[surface] = top, Clue(beliefs, False, (hit.start, hit.end) if in_text else None)
        ranked = sorted(clues.values(), key=lambda clue: -clue[0])
        return [clue for _, clue in ranked[:_LEARNED_USED]]


def _believed(
    name: LearnedName, gazetteer: Gazetteer, chains: Mapping[str, tuple[str, ...]]
) -> tuple[float, dict[str, float]]:
    """Return the most a learned name is believed of a top area, and of each; {} if that is too little."""
    beliefs = {
        code: tempered(name, code, gazetteer[code].level) for code in name.posterior if code in gazetteer
    }
    top = max((belief for code, belief in beliefs.items() if len(chains[code]) == 2), default=0.0)
    if top < _LEARNED_FROM:
        return 0.0, {}
    return top, {code: belief for code, belief in beliefs.items() if belief >= _LEARNED_LEAST}
