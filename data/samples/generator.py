"""Synthetic tickets, made up from templates: they prove nothing about accuracy on real ones.

Made from the phrases of a sample city, the rules of its catalog and the places of its gazetteer, so that a
newcomer can train and try Paidan without data of their own. The same arguments give the same tickets on
every platform.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, IssueCategory
from data.samples import BEIJING
from data.samples.phrase_bank import CategoryPhrases, PhraseBank
from data.samples.places import Place, PlaceKind, Places
from data.samples.rulebook import Duty, Rulebook
from data.samples.writing import Matter, Writer

PHRASES = BEIJING / "phrases"
NO_PLACE, NICKNAME, DISTRICT_ONLY = 0.15, 0.08, 0.10
TWO_PLACES, LABEL_NOISE, NEAR_DUPLICATES, MISLEADING_ROAD = 0.05, 0.04, 0.03, 0.01
# Complaints that name a street: only these can have a second place.
_STREETS_TOLD = 0.9 * (1 - NO_PLACE - NICKNAME - DISTRICT_ONLY)
_RECENT_EVENTS = 40
_OUT_OF_SEASON = 12
_PERSONAL_FRAMES = frozenset({"person", "work"})


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to be told by one ticket or by several neighbours."""

    matter: Matter
    duty: Duty
    unit: Department
    category: IssueCategory


def generate_tickets(
    catalog: Catalog, count: int, seed: int, start: date, days: int, *, phrases: Path = PHRASES
) -> Iterator[dict[str, Any]]:
    """Yield `count` synthetic tickets in order of time, from `start` on, over `days` days.

    Each is a line of a ticket file with its label: ticket_id, text, title, channel, created_at, address,
    district, department, issue_category, mode, assisting, expected_place, and `traps`, which names the noise
    that was put in.
    Of all tickets, 15% name no place, 8% only an estate, 5% two places, 4% bear a wrong label and 3% tell of
    an event once more. Categories and streets are skewed as Zipf found words to be.

    Raises:
        PhraseBankError: the phrases cannot be read.
        ValueError: `count` below 0 or `days` below 1.
    """
    if count < 0 or days < 1:
        raise ValueError(f"count must be 0 or more and days 1 or more, got {count} and {days}")
    return _Generator(catalog, PhraseBank.load(phrases), Random(seed)).tickets(count, start, days)


class _Generator:
    def __init__(self, catalog: Catalog, bank: PhraseBank, rng: Random) -> None:
        self._catalog = catalog
        self._bank = bank
        self._rng = rng
        self._rulebook = Rulebook(catalog)
        self._places = Places(catalog.gazetteer, bank.common)
        self._writer = Writer(bank.common, rng, frozenset(catalog.gazetteer.ambiguous_names()))
        self._categories = self._ranked_categories()
        self._weights = {
            (month, placed): list(accumulate(self._weights_in(month, placed=placed)))
            for month in range(1, 13)
            for placed in (True, False)
        }

    def tickets(self, count: int, start: date, days: int) -> Iterator[dict[str, Any]]:
        """Yield the tickets; no text occurs twice."""
        seen: set[str] = set()
        recent: deque[Event] = deque(maxlen=_RECENT_EVENTS)
        for number, moment in enumerate(self._moments(count, start, days), start=1):
            again = bool(recent) and self._rng.random() < NEAR_DUPLICATES
            event = self._rng.choice(list(recent)) if again else self._event(moment)
            ticket = self._tell(event, moment)
            while ticket["text"] in seen:
                event = self._event(moment)
                again = False
                ticket = self._tell(event, moment)
            seen.add(ticket["text"])
            if not again:
                recent.append(event)
            else:
                ticket["traps"].append("near_duplicate")
            yield {"ticket_id": f"S{moment:%y%m%d}{number:06d}", **ticket}

    def _ranked_categories(self) -> list[IssueCategory]:
        """Return the leaf categories that have a rule, the most frequent first."""
        rank = {name: index for index, name in enumerate(self._bank.common["ranking"])}
        city = self._catalog.gazetteer.city.code
        every = sorted(self._catalog.issue_categories.values(), key=lambda category: category.code)
        leaves = [category for category in every if self._rulebook.duty(category.code, city)]
        Random("categories").shuffle(leaves)
        return sorted(leaves, key=lambda category: rank.get(category.name, len(rank)))

    def _weights_in(self, month: int, *, placed: bool) -> Iterator[int]:
        # Whole numbers only: they are the same on every platform.
        for rank, category in enumerate(self._categories):
            weight = 1_000_000 // (rank + 8)
            phrases = self._bank.of(category.name)
            if not placed and phrases.frame in _PERSONAL_FRAMES:
                weight *= 4
            out_of_season = bool(phrases.months) and month not in phrases.months
            yield weight // _OUT_OF_SEASON if out_of_season else weight

    def _moments(self, count: int, start: date, days: int) -> list[datetime]:
        hours = list(accumulate(self._bank.common["hours"]))
        midnight = datetime.combine(start, time())
        moments = []
        for _ in range(count):
            hour = self._rng.choices(range(24), cum_weights=hours)[0]
            seconds = hour * 3600 + self._rng.randrange(3600)
            moments.append(midnight + timedelta(days=self._rng.randrange(days), seconds=seconds))
        return sorted(moments)

    def _event(self, moment: datetime) -> Event:
        kind = self._rng.choices(
            [PlaceKind.MISSING, PlaceKind.ESTATE, PlaceKind.DISTRICT, PlaceKind.STREET],
            weights=[NO_PLACE, NICKNAME, DISTRICT_ONLY, 1 - NO_PLACE - NICKNAME - DISTRICT_ONLY],
        )[0]
        weights = self._weights[moment.month, kind is not PlaceKind.MISSING]
        category = self._rng.choices(self._categories, cum_weights=weights)[0]
        phrases = self._bank.of(category.name)
        place = self._places.draw(self._rng, kind, village=phrases.frame == "village")
        area = place.area or self._catalog.gazetteer.city
        duty = self._rulebook.duty(category.code, area.code)
        if duty is None:  # A catalog without a rule for the whole city may leave a place without one.
            return self._event(moment)
        unit = self._lead(duty, phrases)
        return Event(self._matter(category, phrases, place, duty, unit), duty, unit, category)

    def _lead(self, duty: Duty, phrases: CategoryPhrases) -> Department:
        """Return the unit that leads; where companies compete, the first more often."""
        leads: Sequence[Department] = duty.leads
        if phrases.companies:
            named = [unit for unit in leads if set(phrases.companies) & {unit.name, *unit.aliases}]
            leads = named or leads
        weights = [1000 // (rank + 1) for rank in range(len(leads))]
        return self._rng.choices(leads, weights=weights)[0]

    def _matter(
        self, category: IssueCategory, phrases: CategoryPhrases, place: Place, duty: Duty, unit: Department
    ) -> Matter:
        other = road = ""
        if place.kind is PlaceKind.STREET and place.district:
            if self._rng.random() < TWO_PLACES / _STREETS_TOLD:
                other = self._elsewhere(place)
            elif self._rng.random() < MISLEADING_ROAD / _STREETS_TOLD:
                road = self._places.road_named_after(self._rng, place.district) or ""
        shared = len(duty.leads) > 1
        rivals = {name for lead in duty.leads for name in (lead.name, *lead.aliases)} if shared else set()
        company = unit if shared else None
        return self._writer.matter(
            category, phrases, place, company, rivals=frozenset(rivals), other=other, road=road
        )

    def _elsewhere(self, place: Place) -> str:
        """Name a place in another district; of a city without districts, just another place."""
        kind = self._rng.choice([PlaceKind.DISTRICT, PlaceKind.STREET])
        drawn = [self._places.draw(self._rng, kind) for _ in range(4)]
        return next((other.text for other in drawn if other.district != place.district), drawn[0].text)

    def _tell(self, event: Event, moment: datetime) -> dict[str, Any]:
        rng, matter, place = self._rng, event.matter, event.matter.place
        traps = list(matter.traps)
        unit = event.unit
        if rng.random() < LABEL_NOISE and (wrong := self._wrong_unit(event)):
            unit = wrong
            traps.append("label_noise")
        channels = self._bank.common["channels"]
        channel = rng.choices(list(channels), weights=list(channels.values()))[0]
        ticket: dict[str, Any] = {"text": self._writer.text(matter, moment, online=channel != "电话")}
        if rng.random() < (0.7 if channel != "电话" else 0.35):
            ticket["title"] = self._writer.title(matter)
        ticket |= {"channel": channel, "created_at": moment.isoformat()}
        located = place.kind in {PlaceKind.STREET, PlaceKind.DISTRICT}
        if located and place.address and rng.random() < 0.3:
            ticket["address"] = place.address
        if located and place.district and rng.random() < 0.5:
            ticket["district"] = place.district.name
        assisting = [helper.name for helper in event.duty.assisting if helper.code != unit.code]
        return ticket | {
            "department": unit.name,
            "issue_category": event.category.name,
            "mode": "dual" if assisting else "direct",
            "assisting": assisting,
            "expected_place": place.area.name if place.area else None,
            "traps": traps,
        }

    def _wrong_unit(self, event: Event) -> Department | None:
        """Return a sister of the right unit, or the unit of a neighbouring duty."""
        area = event.matter.place.area or self._catalog.gazetteer.city
        sisters = self._rulebook.sisters(event.unit)
        beside = (*event.duty.assisting, *self._rulebook.neighbouring_duties(event.category, area.code))
        near = [unit for unit in beside if unit.code != event.unit.code]
        pools = [pool for pool in (sisters, near) if pool]
        return self._rng.choice(self._rng.choice(pools)) if pools else None
