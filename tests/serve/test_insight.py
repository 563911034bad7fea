"""Digests and drift over a small store of invented tickets, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family, IssueCategory
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from serve.insight.digest import Digest, catalog_names, make_digest
from serve.insight.drift import index_by_chance, measure_drift, stability_index
from serve.insight.period import Period, PeriodError, PeriodKind
from serve.insight.records import read_records
from serve.insight.topics import find_topics
from serve.insight.writing import write_digest_page, write_digest_workbook, write_html
from serve.store.base import now as current_time
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import FeedbackEvent

START = datetime(2026, 11, 2, 2, tzinfo=UTC)  # a Monday
HEATING = "某小区暖气不热，室温只有十五度，请供热公司处理"
STALLS = "夜市摊贩占道经营，油烟很大，请城管处理"


def _catalog() -> Catalog:
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                Jurisdiction("d1", "东湖区", JurisdictionLevel.DISTRICT, "c"),
            ]
        ),
        departments=[
            Department("heat", "山海热力集团", DepartmentKind.PUBLIC_SERVICE_COMPANY, "供热", "c"),
            Department("cg", "东湖区城管局", DepartmentKind.DISTRICT_BUREAU, "城管", "d1"),
        ],
        families=[Family("供热", "供暖"), Family("城管", "占道经营")],
        issue_categories=[IssueCategory("d1", "暖气不热"), IssueCategory("k2", "占道经营")],
        rules=[],
    )


def _vectors(texts: Sequence[str]) -> np.ndarray:
    """Bags of characters: enough to tell invented texts apart."""
    found = np.zeros((len(texts), 512), dtype=np.float32)
    for row, text in enumerate(texts):
        for char in filter(str.isalpha, text):
            found[row, ord(char) % 512] += 1
    return found


def _words(text: str) -> list[str]:
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def _decision(number: int, at: datetime, text: str, **changes: object) -> StoredDecision:
    heating = text.startswith("某小区")
    values: dict[str, object] = {
        "ticket_id": f"t{number}",
        "revision": 1,
        "input_sha256": "0" * 64,
        "text": text,
        "answered_at": at,
        "level": "auto",
        "mode": "direct",
        "unit": "heat" if heating else "cg",
        "family": "供热" if heating else "城管",
        "score": 0.97,
        "issue_category": "d1" if heating else "k2",
        "district_code": "d1",
        "place_status": "resolved",
        "flags": [],
        "degraded": False,
        "audited": False,
        "model_version": "m",
        "catalog_version": "c",
        "policy_version": "p",
        "answer": {"jurisdiction": {"evidence": [{"start": 0, "end": 3, "text": "某小区"}]}},
    }
    return StoredDecision(**values | changes)


@pytest.fixture
def filled(store: Store) -> Store:
    """Two stalls a day for two weeks; in the second also five cold flats a day."""
    rows = []
    for day in range(14):
        at = START + timedelta(days=day)
        rows += [_decision(100 * day + i, at, f"{STALLS}{day}") for i in range(2)]
        if day >= 7:
            rows += [_decision(100 * day + 10 + i, at, f"{HEATING}{day}") for i in range(5)]
    rows.append(_decision(1, START, "只有一件的投诉", district_code="d9", issue_category="k9", revision=2))
    with store.transaction() as session:
        session.add_all(rows)
    return store


def _digest(store: Store, week: str) -> Digest:
    return make_digest(store, Period.parse(PeriodKind.WEEK, week), _catalog(), _vectors, _words, least=5)


@pytest.mark.parametrize(
    ("kind", "text", "first", "end"),
    [
        (PeriodKind.DAY, "2026-11-24", "2026-11-24", "2026-11-25"),
        (PeriodKind.WEEK, "2026-W48", "2026-11-23", "2026-11-30"),
        (PeriodKind.MONTH, "2026-12", "2026-12-01", "2027-01-01"),
        (PeriodKind.YEAR, "2026", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_period_is_read(kind: PeriodKind, text: str, first: str, end: str) -> None:
    period = Period.parse(kind, text)
    assert (str(period.first), str(period.end)) == (first, end)
    assert period.before.end == period.first


@pytest.mark.parametrize("text", ["2026-13", "11-2026", "2026-W60", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match="is no month"):
        Period.parse(PeriodKind.MONTH, text)


def test_days_begin_at_midnight_in_china() -> None:
    start, _ = Period.parse(PeriodKind.DAY, "2026-11-24").moments
    assert start == datetime(2026, 11, 23, 16, tzinfo=UTC)


def test_the_last_revision_counts_once(filled: Store) -> None:
    rows = [r for r in read_records(filled, START, START + timedelta(hours=1)) if r.ticket_id == "t1"]
    assert [row.text for row in rows] == ["只有一件的投诉"]


def test_volumes_are_set_beside_the_week_before(filled: Store) -> None:
    digest = _digest(filled, "2026-W46")
    assert (digest.tickets.now, digest.tickets.before) == (49, 14)
    assert [(c.name, c.now, c.before) for c in digest.families] == [("供热", 35, 0), ("城管", 14, 14)]


def test_small_groups_are_not_shown(filled: Store) -> None:
    digest = _digest(filled, "2026-W45")
    assert [count.name for count in digest.districts] == ["东湖区"]  # not the category of the same code


def test_topics_are_found_and_named(filled: Store) -> None:
    topics = _digest(filled, "2026-W46").topics
    assert [len(topic.rows) for topic in topics] == [35, 14]
    assert topics[0].words
    assert all(word in HEATING and word not in STALLS for word in topics[0].words)


def test_examples_are_masked() -> None:
    texts = [f"暖气不热，联系电话13800138000，{i}" for i in range(6)]
    topic = find_topics([*texts, *[f"摊贩占道{i}" for i in range(6)]], _vectors, _words, least=5)[0]
    assert "13800138000" not in "".join(topic.examples)


def test_what_rises_beyond_chance_is_told(filled: Store) -> None:
    rising = _digest(filled, "2026-W46").rising
    assert [(item.category, item.district, item.now, item.before) for item in rising] == [
        ("暖气不热", "东湖区", 35, 0)
    ]


def test_repeated_complaints_about_one_place(filled: Store) -> None:
    repeated = _digest(filled, "2026-W46").repeated
    assert ("某小区", "暖气不热", 35, 7) in [(r.place, r.category, r.tickets, r.days) for r in repeated]


def test_a_year_has_candidates_for_monthly_themes(filled: Store) -> None:
    digest = make_digest(filled, Period.parse(PeriodKind.YEAR, "2026"), _catalog(), _vectors, _words)
    assert {theme.category for theme in digest.themes} == {"暖气不热", "占道经营"}


def test_returns_are_counted(filled: Store) -> None:
    with filled.transaction() as session:
        session.add(
            FeedbackEvent(
                event_id="e",
                ticket_id="t1300",
                kind="returned",
                unit="cg",
                reason="authority",
                happened_at=START,
                received_at=START,
            )
        )
    assert _digest(filled, "2026-W46").returned.now == 1


def test_purged_texts_leave_the_figures(filled: Store) -> None:
    with filled.transaction() as session:
        session.query(StoredDecision).update({"text": None, "answer": None})
    digest = _digest(filled, "2026-W46")
    assert digest.tickets.now == 49
    assert digest.topics == []


def test_the_page_and_the_workbook_are_safe_to_open(filled: Store, tmp_path: Path) -> None:
    with filled.transaction() as session:
        for row in session.query(StoredDecision).filter(StoredDecision.family == "供热"):
            row.text = f"=HYPERLINK(1)<script>alert(1)</script>{row.text}"
    digest = _digest(filled, "2026-W46")
    write_digest_page(digest, tmp_path / "digest.html")
    write_digest_workbook(digest, tmp_path / "digest.xlsx")
    page = (tmp_path / "digest.html").read_text("utf-8")
    assert "周分析" in page
    assert "<script>" not in page
    cells = [c for s in load_workbook(tmp_path / "digest.xlsx") for row in s.iter_rows() for c in row]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
    assert not any(cell.data_type == "f" for cell in cells)


def test_equal_shares_have_no_drift() -> None:
    assert stability_index(Counter(a=50, b=50), Counter(a=500, b=500)) == pytest.approx(0, abs=1e-3)
    assert stability_index(Counter(a=90, b=10), Counter(a=10, b=90)) > 1


def test_a_small_week_of_the_same_tickets_raises_no_alert() -> None:
    draw = np.random.default_rng(3)
    names = [f"职能{number}" for number in range(60)]
    indices = []
    for _ in range(200):
        reference, week = (Counter(draw.choice(names, size).tolist()) for size in (800, 150))
        indices.append((stability_index(reference, week), index_by_chance(reference, week)))
    assert sum(index > 0.25 for index, _ in indices) > 100  # the customary mark alone is passed by chance
    assert sum(index > chance for index, chance in indices) < 10


def test_a_large_move_is_beyond_chance() -> None:
    reference, week = Counter(a=400, b=400), Counter(a=20, b=130)
    assert stability_index(reference, week) > index_by_chance(reference, week)


def test_drift_tells_a_week_of_other_tickets_and_new_words(filled: Store, tmp_path: Path) -> None:
    records = list(read_records(filled, START, START + timedelta(weeks=2)))
    drift = measure_drift(records, _words, _vectors, reference_weeks=1, promised=0.95)
    assert len(drift.weeks) == 1
    assert drift.weeks[0].family_psi > 0.25
    assert any("职能" in alert.text for alert in drift.weeks[0].alerts)
    assert "暖气" in "".join(word for word, _ in drift.new_words) or drift.new_words
    write_html(
        "drift.html",
        tmp_path / "d.html",
        drift=drift,
        city="山海市",
        names=catalog_names(_catalog()),
        reference_weeks=1,
    )
    assert "职能分布变化明显" in (tmp_path / "d.html").read_text("utf-8")


def test_audits_below_the_promise_raise_an_alert(filled: Store, settled) -> None:
    later = START + timedelta(days=8)
    with filled.transaction() as session:
        user = User(
            name="op", display_name="坐席", role="operator", password_hash="-", created_at=current_time()
        )
        decisions = [_decision(9000 + i, later, f"{HEATING}抽查{i}", audited=True) for i in range(12)]
        session.add_all([user, *decisions])
        session.flush()
        for number, decision in enumerate(decisions):
            unit = "heat" if number < 6 else "cg"
            settled(session, decision.id, user.id, unit, level="auto", at=later)
    records = list(read_records(filled, START, START + timedelta(weeks=2)))
    drift = measure_drift(records, _words, _vectors, reference_weeks=1, promised=0.95)
    assert any("6/12" in alert.text for alert in drift.weeks[0].alerts)
    assert [(group.audited, group.right) for group in drift.by_family] == [(12, 6)]


def test_a_blind_second_opinion_decides_nothing(store: Store, settled) -> None:
    with store.transaction() as session:
        users = [
            User(name=name, display_name=name, role="operator", password_hash="-", created_at=START)
            for name in ("one", "two")
        ]
        decision = _decision(1, START, STALLS)
        session.add_all([*users, decision])
        session.flush()
        for user, kind, unit in zip(users, ("first", "second"), ("cg", "heat"), strict=True):
            settled(session, decision.id, user.id, unit, kind=kind, level="auto", at=START)
    assert [row.ruled for row in read_records(store, START, START + timedelta(days=1))] == ["cg"]


def test_texts_that_are_all_the_same_are_one_topic() -> None:
    topics = find_topics([HEATING] * 6, _vectors, _words, least=5)
    assert [len(topic.rows) for topic in topics] == [6]
