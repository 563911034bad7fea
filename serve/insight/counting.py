"""Counts that can be shown: with their change, and without groups so small that they name somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from serve.insight.records import Record

UNKNOWN = "未知"
OTHERS = "其他"


@dataclass(frozen=True, slots=True)
class Names:
    """Names by code, apart for each kind: a district and an issue category may have the same code."""

    places: Mapping[str, str]
    categories: Mapping[str, str]
    families: Mapping[str, str]
    units: Mapping[str, str]

    def issue(self, record: Record) -> str | None:
        """Return what a ticket is about: its category's name, else its family's; None if it has neither."""
        if record.category:
            return self.categories.get(record.category, record.category)
        return self.families.get(record.family, record.family) if record.family else None


@dataclass(frozen=True, slots=True)
class Count:
    """How often something occurred, and how often in the period before."""

    name: str
    now: int
    before: int

    @property
    def change(self) -> float | None:
        """Return the change as a share of before; None where there was nothing."""
        return None if self.before == 0 else self.now / self.before - 1


def count_by(
    key: Callable[[Record], str | None],
    now: Iterable[Record],
    before: Iterable[Record],
    *,
    least: int,
    names: Mapping[str, str],
) -> list[Count]:
    """Count records by a key, most frequent first.

    Groups of fewer than `least` are put together as 其他, which is left out if it is that small itself.
    """
    current, previous = (Counter(key(record) or UNKNOWN for record in rows) for rows in (now, before))
    shown = [code for code, number in current.most_common() if number >= least]
    counts = [Count(names.get(code, code), current[code], previous[code]) for code in shown]
    others = sum(current.values()) - sum(count.now for count in counts)
    if others >= least:
        earlier = sum(number for code, number in previous.items() if code not in shown)
        counts.append(Count(OTHERS, others, earlier))
    return counts


@dataclass(frozen=True, slots=True)
class Rising:
    """An issue in one district that is reported more often than before, beyond chance (`p_value`)."""

    category: str
    district: str
    now: int
    before: int
    p_value: float


def find_rising(
    now: Sequence[Record],
    before: Sequence[Record],
    *,
    least: int,
    names: Names,
    significance: float = 0.01,
) -> list[Rising]:
    """Return what rises by place, most certain first.

    Given both counts' sum, the later one is binomial if the rate did not change (the conditional test of two
    Poisson rates: Przyborowski & Wilenski 1940). Each pair's growth is held against that of all tickets, and
    the level is divided by the number of pairs tried (Bonferroni).
    """
    from scipy.stats import binomtest

    current, previous = (Counter((names.issue(r), r.district) for r in rows) for rows in (now, before))
    total = len(now) + len(before)
    tried = [(key, n) for key, n in current.items() if n >= least and key[0] and key[1]]
    if not tried or not before:
        return []
    share = len(now) / total
    rising = []
    for (category, district), number in tried:
        earlier = previous[category, district]
        p_value = float(binomtest(number, number + earlier, share, alternative="greater").pvalue)
        if p_value < significance / len(tried):
            rising.append(
                Rising(
                    category or "",
                    names.places.get(district or "", district or ""),
                    number,
                    earlier,
                    p_value,
                )
            )
    return sorted(rising, key=lambda item: (item.p_value, -item.now))


@dataclass(frozen=True, slots=True)
class Repeated:
    """One issue reported again and again about one place."""

    place: str
    category: str
    tickets: int
    days: int


def find_repeated(records: Sequence[Record], *, least: int, names: Names) -> list[Repeated]:
    """Return places with at least `least` tickets of one issue on at least two days, most first."""
    days: dict[tuple[str, str], list[object]] = {}
    for record in records:
        category = names.issue(record)
        if record.place and category:
            days.setdefault((record.place, category), []).append(record.at.date())
    found = [
        Repeated(place, category, len(dates), len(set(dates)))
        for (place, category), dates in days.items()
        if len(dates) >= least and len(set(dates)) > 1
    ]
    return sorted(found, key=lambda item: (-item.tickets, item.place))


@dataclass(frozen=True, slots=True)
class Theme:
    """A candidate for the year's monthly themes (每月一题): large, lasting, wide and hard to place.

    `months` with tickets, `districts` it occurs in, `hard` the share that was returned or needed a 会商.
    """

    category: str
    tickets: int
    months: int
    districts: int
    hard: float


def find_themes(records: Sequence[Record], *, least: int, names: Names, most: int = 24) -> list[Theme]:
    """Return issues by the mean of their ranks in volume, months, districts and the share of hard cases."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.category:
            groups.setdefault(record.category, []).append(record)
    themes = [
        Theme(
            names.categories.get(category, category),
            len(rows),
            len({row.month for row in rows}),
            len({row.district for row in rows if row.district}),
            sum(row.returned or row.level == "consult" for row in rows) / len(rows),
        )
        for category, rows in groups.items()
        if len(rows) >= least
    ]
    ranks = dict.fromkeys(themes, 0)
    for measure in ("tickets", "months", "districts", "hard"):
        values = sorted({getattr(theme, measure) for theme in themes}, reverse=True)
        for theme in themes:
            ranks[theme] += values.index(getattr(theme, measure))
    return sorted(themes, key=lambda theme: (ranks[theme], -theme.tickets, theme.category))[:most]
