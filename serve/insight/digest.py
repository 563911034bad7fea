"""What happened in the city in a day, week, month or year: for management, masked, without small groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from data.catalog.catalog import Catalog
from serve.insight.counting import (
    Count,
    Names,
    Repeated,
    Rising,
    Theme,
    count_by,
    find_repeated,
    find_rising,
    find_themes,
)
from serve.insight.period import Period, PeriodKind
from serve.insight.records import Record, read_records
from serve.insight.topics import Topic, Vectors, Words, find_topics
from serve.store.engine import Store

LEVELS = {"auto": "自动派单", "preselect": "一键确认", "suggest": "人工选择", "consult": "会商"}


@dataclass(frozen=True, slots=True)
class Digest:
    """All that a digest shows. `texts` is how many texts the topics were found in; purged ones are gone."""

    period: Period
    city: str
    least: int
    tickets: Count
    returned: Count
    levels: list[Count]
    families: list[Count]
    units: list[Count]
    districts: list[Count]
    categories: list[Count]
    channels: list[Count]
    texts: int
    topics: list[Topic]
    rising: list[Rising]
    repeated: list[Repeated]
    themes: list[Theme]


def make_digest(
    store: Store,
    period: Period,
    catalog: Catalog,
    vectors: Vectors,
    words: Words,
    *,
    least: int = 5,
    say: Callable[[str], None] = lambda _: None,
) -> Digest:
    """Read the store and put a digest together; `least` is the smallest group that is shown."""
    say("reading tickets")
    now = list(read_records(store, *period.moments))
    before = list(read_records(store, *period.before.moments))
    names = catalog_names(catalog)

    def count(key: Callable[[Record], str | None], named: Mapping[str, str]) -> list[Count]:
        return count_by(key, now, before, least=least, names=named)

    say("finding topics")
    texts = [record.text for record in now if record.text]
    return Digest(
        period=period,
        city=catalog.city,
        least=least,
        tickets=Count("工单", len(now), len(before)),
        returned=Count("退单", _returned(now), _returned(before)),
        levels=count(lambda r: r.level, LEVELS),
        families=count(lambda r: r.family, names.families),
        units=count(lambda r: r.unit, names.units),
        districts=count(lambda r: r.district, names.places),
        categories=count(lambda r: r.category, names.categories),
        channels=count(lambda r: r.channel, {}),
        texts=len(texts),
        topics=find_topics(texts, vectors, words, least=least),
        rising=find_rising(now, before, least=least, names=names),
        repeated=find_repeated(now, least=least, names=names),
        themes=find_themes(now, least=least, names=names) if period.kind is PeriodKind.YEAR else [],
    )


def catalog_names(catalog: Catalog) -> Names:
    """Return the names of the catalog's places, issue categories, families and units."""
    return Names(
        places={place.code: place.name for place in catalog.gazetteer},
        categories={code: entry.name for code, entry in catalog.issue_categories.items()},
        families={code: entry.name for code, entry in catalog.families.items()},
        units={code: entry.name for code, entry in catalog.departments.items()},
    )


def _returned(records: Sequence[Record]) -> int:
    return sum(record.returned for record in records)
