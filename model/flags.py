"""Flags: what the caller must know of a ticket besides the unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TypedDict

import yaml

from data.gazetteer.elsewhere import cities
from data.gazetteer.gazetteer import Gazetteer
from model.decision import Flag, PlacedJurisdiction, PlaceStatus
from model.demands import split_demands

_ROAD = "(?!路|街|大道|大街|巷|商厦|大厦|酒店|银行|牌|籍)"  # 三亚路 is a road here


class _Phrases(TypedDict):
    phrases: Sequence[str]
    exceptions: Sequence[str]


class FlagFinder:
    """Finds flags by phrases, from configs/flags.yaml."""

    def __init__(self, config: Mapping[str, _Phrases], gazetteer: Gazetteer) -> None:
        self._found = {Flag(name): _any_of(entry["phrases"]) for name, entry in config.items()}
        self._excepted = {Flag(name): _any_of(entry["exceptions"]) for name, entry in config.items()}
        own = {name for area in gazetteer for name in (area.name, *area.aliases)}
        self._elsewhere = re.compile(
            "(?:" + "|".join(name for name in cities() if name not in own) + ")" + _ROAD
        )

    @classmethod
    def from_config(cls, gazetteer: Gazetteer) -> FlagFinder:
        """Read the phrases that come with the project."""
        return cls(yaml.safe_load((files("configs") / "flags.yaml").read_text("utf-8")), gazetteer)

    def find(self, text: str, placed: PlacedJurisdiction) -> tuple[Flag, ...]:
        """Return the flags of a normalised text, in the order of `Flag`."""
        raised = {flag for flag in self._found if self._holds(flag, text)}
        if split_demands(text):
            raised.add(Flag.MULTIPLE_DEMANDS)
        if placed.status is PlaceStatus.MISSING and self._elsewhere.search(text):
            raised.add(Flag.OUT_OF_SCOPE)
        return tuple(flag for flag in Flag if flag in raised)

    def _holds(self, flag: Flag, text: str) -> bool:
        excepted = [match.span() for match in self._excepted[flag].finditer(text)]
        return any(
            not any(start <= match.start() and match.end() <= end for start, end in excepted)
            for match in self._found[flag].finditer(text)
        )


def _any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern for any of the phrases; for none of them, one that never matches."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) if phrases else r"(?!)")
