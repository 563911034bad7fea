"""Place names learned from past tickets: estates, roads and markets that point to one district or street."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ahocorasick_rs import AhoCorasick, MatchKind

from data.errors import PaidanError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel

FORMAT = 1

_TOP = 0.95
"""No learned name says more than this of a district: labels err too."""
_STREET_ALONE = (5.0, 0.9)
"""Support and purity from which one learned name may settle a street without any other sign."""
_STREET_HINT = 0.55


class LearnedPlacesError(PaidanError):
    """A stored set of learned names cannot be read."""


@dataclass(frozen=True, slots=True)
class LearnedName:
    """A name and what past tickets say of it.

    `support` is the number of past tickets (repeated reports of one event counted once), `posterior` the
    smoothed share of each district and, of those that name a street, of each street.
    """

    surface: str
    support: int
    posterior: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LearnedHit:
    """A learned name at text[start:end] of the normalised text."""

    start: int
    end: int
    name: LearnedName


class LearnedPlaces:
    """A set of learned names, ready to be found in text. `from_dict(to_dict())` is the same set."""

    def __init__(self, names: Sequence[LearnedName] = ()) -> None:
        self.names = tuple(names)

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        jurisdictions: Sequence[str | None],
        gazetteer: Gazetteer,
        *,
        groups: Sequence[object] | None = None,
    ) -> Self:
        """Learn from past tickets.

        `jurisdictions` holds the code of each ticket's unit. Where that is the city or None, the area
        that the text names outright serves instead, so that tickets of city departments teach roads too.
        `groups` names the reports of one event; a name counts once a group.
        """
        from model.place_learning import learn_names

        return cls(learn_names(texts, jurisdictions, gazetteer, groups))

    def __len__(self) -> int:
        return len(self.names)

    def find(self, text: str) -> list[LearnedHit]:
        """Return the names in normalised text, each once, leftmost and longest first."""
        if not self.names:
            return []
        hits: dict[int, LearnedHit] = {}
        for index, start, end in self._automaton.find_matches_as_indexes(text):
            hits.setdefault(index, LearnedHit(start, end, self.names[index]))
        return list(hits.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the set as plain JSON values."""
        rows = [
            [name.surface, name.support, {code: round(p, 4) for code, p in name.posterior.items()}]
            for name in self.names
        ]
        return {"format": FORMAT, "names": rows}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave; raise LearnedPlacesError for anything else."""
        try:
            if stored["format"] != FORMAT:
                raise LearnedPlacesError(f"format {stored['format']!r}", expected=f"format {FORMAT}")
            return cls(
                [
                    LearnedName(str(surface), int(support), {str(c): float(p) for c, p in posterior.items()})
                    for surface, support, posterior in stored["names"]
                ]
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
            raise LearnedPlacesError(
                "not a set of learned place names", expected="the JSON that training wrote"
            ) from fault

    def save(self, path: Path) -> None:
        """Write `to_dict` as JSON."""
        path.write_text(json.dumps(self.to_dict(), ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; raise LearnedPlacesError if the file is missing or something else."""
        try:
            return cls.from_dict(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as fault:
            raise LearnedPlacesError("cannot be read", where=path.name, fix="Train again") from fault

    @cached_property
    def _automaton(self) -> AhoCorasick:
        return AhoCorasick([name.surface for name in self.names], matchkind=MatchKind.LeftmostLongest)


def tempered(name: LearnedName, code: str, level: JurisdictionLevel) -> float:
    """Return how far one learned name may be believed of an area, in [0, 1]."""
    share = name.posterior.get(code, 0.0)
    if level is JurisdictionLevel.DISTRICT:
        return min(share, _TOP)
    support, purity = _STREET_ALONE
    if name.support >= support and share >= purity:
        return min(share, _TOP)
    return min(share, _STREET_HINT)
