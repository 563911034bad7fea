"""How far the tickets of each week have moved away from those of the weeks before, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from scipy.stats import chi2

from model.policy import precision_lower_bound, precision_upper_bound
from serve.insight.period import CITY_TIME
from serve.insight.records import Record
from serve.insight.topics import Topic, Vectors, Words, find_topics

MODERATE, LARGE = 0.1, 0.25
"""The customary marks of the population stability index: below 0.1 nothing to see, from 0.25 on act."""

_CHANCE = 0.99
"""An index below this quantile of what chance alone makes of so many tickets raises no alert."""

_SCORE_EDGES = np.linspace(0.1, 0.9, 9)
_CONFIDENCE = 0.9
_HALF = 0.5  # added to every cell: an empty one has no logarithm


class AlertKind(StrEnum):
    """What somebody should look at."""

    LEVEL = "level"  # the mix of levels moved
    FAMILY = "family"  # the mix of families moved
    SCORE = "score"  # the scores moved
    AUDITED = "audited"  # audited `auto` tickets break the promise


_NAMES = {AlertKind.LEVEL: "等级", AlertKind.FAMILY: "职能", AlertKind.SCORE: "得分"}


@dataclass(frozen=True, slots=True)
class Alert:
    """One of them, said in Chinese."""

    kind: AlertKind
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AuditedPrecision:
    """How often `auto` was right where people looked: `right` of `audited`, with one-sided 90% bounds."""

    name: str
    audited: int
    right: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Week:
    """One week against the reference weeks.

    `*_psi` are population stability indices; `unknown_words` is the share of words that no reference ticket
    held; `alerts` say what someone should look at.
    """

    first: date
    tickets: int
    level_psi: float
    family_psi: float
    score_psi: float
    auto_share: float
    missing_places: float
    unknown_words: float
    returned: float
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """The weeks, audits of `auto` by family and district, new words, and tickets that fit no unit."""

    weeks: list[Week]
    by_family: list[AuditedPrecision]
    by_district: list[AuditedPrecision]
    new_words: list[tuple[str, int]]
    new_places: list[tuple[str, int]]
    proposals: list[Topic]


def stability_index(expected: Counter[str], found: Counter[str]) -> float:
    """Return the population stability index: sum of (found - expected) * ln(found / expected) over shares."""
    names = sorted(expected.keys() | found.keys())
    if not names:
        return 0.0
    before, after = (np.array([counts[name] + _HALF for name in names]) for counts in (expected, found))
    before, after = before / before.sum(), after / after.sum()
    return float(((after - before) * np.log(after / before)).sum())


def index_by_chance(expected: Counter[str], found: Counter[str]) -> float:
    """Return the index that two samples of the same tickets exceed once in a hundred times.

    It is large for a week of few tickets and many names: near (1/n + 1/m) times a chi-squared of one degree
    less than there are names (Yurdakul and Naranjo, Statistical properties of the population stability
    index, 2020).
    """
    names = len(expected.keys() | found.keys())
    if names < 2 or not expected or not found:
        return 0.0
    return float(chi2.ppf(_CHANCE, names - 1) * (1 / expected.total() + 1 / found.total()))


def measure_drift(
    records: Sequence[Record],
    words: Words,
    vectors: Vectors,
    *,
    reference_weeks: int,
    promised: float,
    least: int = 5,
) -> Drift:
    """Compare each later week with the first `reference_weeks` weeks that hold tickets.

    Args:
        records: tickets, oldest first.
        words: cuts a text into words.
        vectors: text vectors, to group tickets that fit no unit into proposals for the catalog.
        reference_weeks: how many of the first weeks to compare with.
        promised: the precision that the policy promises for `auto`.
        least: smallest group that is shown.
    """
    by_week: dict[date, list[Record]] = {}
    for record in records:
        day = record.at.astimezone(CITY_TIME).date()
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(record)
    weeks = sorted(by_week)
    reference = [record for week in weeks[:reference_weeks] for record in by_week[week]]
    later = [record for week in weeks[reference_weeks:] for record in by_week[week]]
    known = Counter(word for record in reference for word in _long_words(record, words))
    known_places = {record.place for record in reference}
    new_words = Counter(word for r in later for word in _long_words(r, words) if word not in known)
    new_places = Counter(r.place for r in later if r.place and r.place not in known_places)
    lost = [r.text for r in later if r.text and (r.level == "consult" or r.unit is None)]
    return Drift(
        weeks=[
            _week(week, by_week[week], reference, known, words, promised) for week in weeks[reference_weeks:]
        ],
        by_family=_audited(later, lambda r: r.family, least),
        by_district=_audited(later, lambda r: r.district, least),
        new_words=[(word, n) for word, n in new_words.most_common(30) if n >= least],
        new_places=[(place, n) for place, n in new_places.most_common(30) if n >= least],
        proposals=find_topics(lost, vectors, words, least=least),
    )


def _long_words(record: Record, words: Words) -> set[str]:
    if not record.text:
        return set()
    return {w for w in words(record.text) if len(w) > 1 and not any(c.isdigit() for c in w)}


def _scores(records: Iterable[Record]) -> Counter[str]:
    return Counter(str(np.digitize(r.score, _SCORE_EDGES)) for r in records if r.score is not None)


def _week(
    first: date,
    rows: Sequence[Record],
    reference: Sequence[Record],
    known: Counter[str],
    words: Words,
    promised: float,
) -> Week:
    counted = {
        AlertKind.LEVEL: (Counter(r.level for r in reference), Counter(r.level for r in rows)),
        AlertKind.FAMILY: (
            Counter(str(r.family) for r in reference),
            Counter(str(r.family) for r in rows),
        ),
        AlertKind.SCORE: (_scores(reference), _scores(rows)),
    }
    index = {kind: stability_index(*counts) for kind, counts in counted.items()}
    mentioned = [word for r in rows for word in _long_words(r, words)]
    unknown = sum(word not in known for word in mentioned) / max(1, len(mentioned))
    alerts = [
        Alert(kind, f"{_NAMES[kind]}分布变化明显(PSI {value:.2f})")
        for kind, value in index.items()
        if value >= max(LARGE, index_by_chance(*counted[kind]))
    ]
    audits = [r for r in rows if r.audited and r.level == "auto" and r.ruled is not None]
    right = sum(r.ruled == r.proposed for r in audits)
    if audits and precision_upper_bound(right, len(audits), _CONFIDENCE) < promised:
        text = f"自动派单抽查准确率 {right}/{len(audits)}，低于承诺的 {promised:.0%}"
        alerts.append(Alert(AlertKind.AUDITED, text))
    return Week(
        first=first,
        tickets=len(rows),
        level_psi=index[AlertKind.LEVEL],
        family_psi=index[AlertKind.FAMILY],
        score_psi=index[AlertKind.SCORE],
        auto_share=sum(r.level == "auto" for r in rows) / len(rows),
        missing_places=sum(r.place_status == "missing" for r in rows) / len(rows),
        unknown_words=unknown,
        returned=sum(r.returned for r in rows) / len(rows),
        alerts=tuple(alerts),
    )


def _audited(
    records: Iterable[Record], key: Callable[[Record], str | None], least: int
) -> list[AuditedPrecision]:
    groups: dict[str, list[bool]] = {}
    for record in records:
        if record.audited and record.level == "auto" and record.ruled is not None:
            groups.setdefault(key(record) or "未知", []).append(record.ruled == record.proposed)
    return [
        AuditedPrecision(
            name,
            len(found),
            sum(found),
            precision_lower_bound(sum(found), len(found), _CONFIDENCE),
            precision_upper_bound(sum(found), len(found), _CONFIDENCE),
        )
        for name, found in sorted(groups.items(), key=lambda item: -len(item[1]))
        if len(found) >= least
    ]
