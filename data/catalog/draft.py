"""A first catalog from past tickets, for a person to edit."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from data.catalog.catalog import Catalog
from data.catalog.drafted_aliases import with_aliases
from data.catalog.entries import Department, Family
from data.catalog.family_names import spelled_out
from data.catalog.lineage import name_key
from data.catalog.unit_names import STREET_FAMILY, UnitName, named_areas, split_unit_name
from data.catalog.variants import Variant, kept_names, propose_variants
from data.catalog.word_counts import plain_word, segmenter, similarities, typical_words
from data.errors import PaidanError
from data.gazetteer.gazetteer import Gazetteer

_DUTY_WORDS = 16
_CODE_DIGITS = 8
_STREET_DUTY = "街道、乡镇政府辖区内的综合事务"


class DraftError(PaidanError):
    """No catalog can be drafted from a ticket file."""


@dataclass(frozen=True, slots=True)
class DraftedCatalog:
    """A catalog drafted from tickets, and what a person should look at.

    `variants` holds the pairs of family names judged or to be judged. `holding_place` counts the units
    whose name holds the name or stem of a district or street, `unplaced` lists those of them that did
    not get it as their jurisdiction.
    """

    catalog: Catalog
    variants: tuple[Variant, ...]
    holding_place: int
    unplaced: tuple[str, ...]


class CatalogDrafter:
    """Gathers tickets one by one; `draft` makes the catalog."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._segmenter = segmenter()
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)
        self._words: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, unit_name: str, text: str) -> None:
        """Take one past ticket and the unit that handled it."""
        name = "".join(char for char in unit_name if unicodedata.category(char)[0] != "C").strip()
        key = name_key(name)
        self._spellings[key][name] += 1
        self._words[key].update(self._segmenter.words(text))

    def draft(self, decided: Iterable[Variant] = (), *, version: str = "") -> DraftedCatalog:
        """Draft a catalog of the units seen so far.

        A unit's name is split into family and place by the gazetteer; `decided` tells which spellings of
        families are one; duty texts are drafted from the words typical of a family's tickets.
        """
        names = {key: max(sorted(spelt), key=spelt.__getitem__) for key, spelt in self._spellings.items()}
        units = {
            key: split_unit_name(names[key], self._gazetteer) for key in sorted(names, key=names.__getitem__)
        }
        tickets, words = self._by_family(units)
        places: dict[str, set[str]] = defaultdict(set)
        for unit in units.values():
            places[unit.family].add(unit.jurisdiction.code)
        decided = tuple(decided)
        variants = propose_variants(
            tickets,
            {family: frozenset(codes) for family, codes in places.items()},
            lambda pairs: similarities(words, tickets, pairs),
            decided,
        )
        kept = {name: best for name, best in kept_names(decided, tickets).items() if best in tickets}
        departments = [
            _department(names[key], unit, kept.get(unit.family, unit.family)) for key, unit in units.items()
        ]
        families = list(self._families(tickets, words, kept))
        catalog = Catalog.from_entries(
            city=self._gazetteer.city.name,
            version=version,
            gazetteer=self._gazetteer,
            departments=with_aliases(_distinct_codes(departments), families, self._gazetteer),
            families=families,
        )
        holding = {key: {area.code for area in named_areas(names[key], self._gazetteer)} for key in units}
        return DraftedCatalog(
            catalog=catalog,
            variants=tuple(variants),
            holding_place=sum(bool(codes) for codes in holding.values()),
            unplaced=tuple(
                names[key]
                for key, codes in holding.items()
                if codes and units[key].jurisdiction.code not in codes
            ),
        )

    def _by_family(self, units: Mapping[str, UnitName]) -> tuple[Counter[str], dict[str, Counter[str]]]:
        """Return how many tickets each family has, and in how many of them each word occurs."""
        tickets: Counter[str] = Counter()
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for key, unit in units.items():
            tickets[unit.family] += self._spellings[key].total()
            words[unit.family].update(self._words[key])
        return tickets, dict(words)

    def _families(
        self, tickets: Mapping[str, int], words: Mapping[str, Counter[str]], kept: Mapping[str, str]
    ) -> Iterator[Family]:
        overall: Counter[str] = Counter()
        for counted in words.values():
            overall.update(counted)
        is_plain = plain_word(self._gazetteer, overall, self._segmenter.tag)
        total = sum(tickets.values())
        spellings: dict[str, list[str]] = defaultdict(list)
        for name in sorted({*tickets, *kept}):
            spellings[kept.get(name, name)].append(name)
        for family in sorted(spellings):
            own: Counter[str] = Counter()
            for name in spellings[family]:
                own.update(words.get(name, ()))
            size = sum(tickets.get(name, 0) for name in spellings[family])
            typical = typical_words(own, size, overall, total, is_plain)[:_DUTY_WORDS]
            said = _STREET_DUTY if family == STREET_FAMILY else spelled_out(family)
            yield Family(
                family,
                f"{said}，受理：{'、'.join(typical)}" if typical else said,
                tuple(name for name in spellings[family] if name != family),
            )


def _department(name: str, unit: UnitName, family: str) -> Department:
    code = f"u-{hashlib.sha256(name_key(name).encode()).hexdigest()}"
    return Department(code, name, unit.kind, family, unit.jurisdiction.code)


def _distinct_codes(departments: Sequence[Department]) -> list[Department]:
    """Shorten the codes as far as they stay distinct."""
    codes = {unit.code for unit in departments}
    digits = _CODE_DIGITS
    while len({code[: digits + 2] for code in codes}) < len(codes):
        digits += 1
    return [replace(unit, code=unit.code[: digits + 2]) for unit in departments]
