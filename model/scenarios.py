"""The catalog's guidance for single kinds of case (场景化指引): which of them a ticket is."""

from __future__ import annotations

from dataclasses import dataclass

from data.catalog.catalog import Catalog
from data.catalog.entries import Scenario
from data.text import normalise
from model.decision import PlacedJurisdiction


@dataclass(frozen=True, slots=True)
class ScenarioMatch:
    """A scenario that a ticket is, and where its normalised text says so."""

    scenario: Scenario
    start: int
    end: int


class ScenarioBook:
    """Finds the scenario of a ticket: the first of the catalog that it matches, so their order is theirs."""

    def __init__(self, catalog: Catalog) -> None:
        self._gazetteer = catalog.gazetteer
        self._scenarios = [
            (scenario, _read(scenario.says), _read(scenario.also), _read(scenario.unless))
            for scenario in catalog.scenarios
        ]

    def match(self, text: str, placed: PlacedJurisdiction) -> ScenarioMatch | None:
        """Return the scenario of a normalised text at a place."""
        for scenario, says, also, unless in self._scenarios:
            said = next((phrase for phrase in says if phrase in text), None)
            if said is None or (also and not any(phrase in text for phrase in also)):
                continue
            if any(phrase in text for phrase in unless) or not self._holds_there(scenario, placed):
                continue
            start = text.index(said)
            return ScenarioMatch(scenario, start, start + len(said))
        return None

    def _holds_there(self, scenario: Scenario, placed: PlacedJurisdiction) -> bool:
        if scenario.jurisdiction is None:
            return True
        area = placed.jurisdiction
        return area is not None and self._gazetteer.is_within(area.code, scenario.jurisdiction)


def _read(phrases: tuple[str, ...]) -> list[str]:
    """Return phrases as normalised texts hold them."""
    return [normalise(phrase).text for phrase in phrases]
