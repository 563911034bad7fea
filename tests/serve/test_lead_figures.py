"""The figures of the lead's page against cases counted by hand, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from serve.lead.attention import find_attention
from serve.lead.charts import chart_data
from serve.lead.figures import FigureCache, Figures, read_figures
from serve.lead.load import Times
from serve.lead.promise import Promise, Verdict
from serve.lead.statistics import Share, quantile
from serve.lead.window import Window
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import Consultation, FeedbackEvent, ReviewItem, Ruling

NOON = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)  # 12:30 in the city
_number = count(1)


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


@pytest.fixture
def catalog() -> Catalog:
    kind = DepartmentKind.DISTRICT_BUREAU
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                Jurisdiction("d", "东湖区", JurisdictionLevel.DISTRICT, "c"),
            ]
        ),
        families=[Family("城管局", "占道经营"), Family("水务局", "供水")],
        departments=[
            Department("a", "东湖区城管局", kind, "城管局", "d"),
            Department("b", "东湖区水务局", kind, "水务局", "d"),
        ],
    )


@pytest.fixture
def people(store: Store) -> list[User]:
    people = [
        User(name=name, display_name=shown, role=role, password_hash="-", created_at=NOON)
        for name, shown, role in (
            ("one", "甲", "operator"),
            ("two", "乙", "operator"),
            ("lead", "班长", "lead"),
        )
    ]
    with store.transaction() as session:
        session.add_all(people)
    return people


class World:
    """Puts tickets and what became of them into the store."""

    def __init__(self, store: Store, people: list[User]) -> None:
        self.store, self.people = store, people

    def ticket(
        self,
        *,
        answered: float,
        level: str = "suggest",
        unit: str = "a",
        family: str = "城管局",
        audited: bool = False,
    ) -> StoredDecision:
        decision = StoredDecision(
            ticket_id=f"T{next(_number)}", revision=1, input_sha256="0" * 64, text="门前积水", answered_at=ago(answered),
            level=level, mode="direct", unit=unit, family=family, district_code="d", place_status="resolved", flags=[],
            degraded=False, audited=audited, model_version="m", catalog_version="c", policy_version="p", answer=None,
        )  # fmt: skip
        with self.store.transaction() as session:
            session.add(decision)
        return decision

    def item(
        self,
        decision: StoredDecision,
        *,
        kind: str = "first",
        status: str = "waiting",
        due: float = -60,
        **more: object,
    ) -> ReviewItem:
        item = ReviewItem(
            decision_id=decision.id, kind=kind, status=status, created_at=decision.answered_at, due_at=ago(due),
            risk=0, score=0.5, level=decision.level, unit=decision.unit, family=decision.family, district_code="d", skipped_by=[], **more,
        )  # fmt: skip
        with self.store.transaction() as session:
            session.add(item)
        return item

    def ruled(
        self,
        decision: StoredDecision,
        unit: str,
        *,
        at: float,
        by: int = 0,
        seconds: float = 4.0,
        kind: str = "first",
        undone: bool = False,
    ) -> None:
        item = self.item(decision, kind=kind, status="settled", settled_at=ago(at))
        ruling = Ruling(
            item_id=item.id, decision_id=decision.id, user_id=self.people[by].id, request_id=f"request-{item.id}",
            mode="direct", unit=unit, parts=[{"lead": unit, "assisting": []}], rank=None, seconds=seconds,
            decided_at=ago(at), undone_at=NOON if undone else None,
        )  # fmt: skip
        with self.store.transaction() as session:
            session.add(ruling)

    def returned(self, unit: str | None, reason: str | None, *, at: float = 5) -> None:
        number = next(_number)
        event = FeedbackEvent(
            event_id=f"E{number}", ticket_id=f"T{number}", kind="returned", unit=unit, reason=reason,
            happened_at=ago(at), received_at=NOON,
        )  # fmt: skip
        with self.store.transaction() as session:
            session.add(event)


@pytest.fixture
def world(store: Store, people: list[User]) -> World:
    return World(store, people)


@pytest.fixture
def read(store: Store, catalog: Catalog) -> Callable[..., Figures]:
    return lambda window=Window.TODAY: read_figures(store, catalog, window, NOON)


# --- arithmetic -----------------------------------------------------------------


def test_quantiles_are_the_nearest_rank():
    counts = {10: 3, 20: 5, 70: 2}
    assert [quantile(counts, share) for share in (0.5, 0.8, 0.9)] == [20, 20, 70]
    assert quantile({}, 0.5) is None


@pytest.mark.parametrize(
    ("right", "total", "verdict"), [(990, 1000, "kept"), (900, 1000, "broken"), (19, 20, "open")]
)
def test_a_promise_is_judged_by_the_whole_interval(right: int, total: int, verdict: str):
    assert Promise(0.95).verdict(Share("", right, total)) is Verdict(verdict)


# --- the window -----------------------------------------------------------------


def test_windows_begin_at_midnight_in_the_city():
    assert Window.TODAY.start(NOON) == datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert Window.WEEK.start(NOON) == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert Window.WEEK.slots(NOON)[::6] == ["03-04", "03-10"]
    assert Window.TODAY.slots(NOON)[::12] == ["00:00", "12:00"]


# --- load -----------------------------------------------------------------------


def test_waiting_by_level_and_age(world: World, read):
    for minutes, due in ((5, -55), (29, -31), (45, -15), (100, 40), (2000, 1940)):
        world.item(world.ticket(answered=minutes), due=due)
    world.item(world.ticket(answered=10, level="consult"), status="consulting")
    load = read().load
    suggest = next(level for level in load.waiting if level.level == "suggest")
    assert suggest.ages == (2, 1, 1, 0, 1)
    assert (load.total_waiting, load.overdue, load.consulting) == (5, 2, 1)


def test_settled_by_operator_with_seconds(world: World, read):
    for at, by, seconds in ((5, 0, 2.0), (10, 0, 4.0), (90, 0, 30.04), (20, 1, 3.0), (60 * 30, 1, 99.0)):
        world.ruled(world.ticket(answered=at + 6), "a", at=at, by=by, seconds=seconds)
    world.ruled(world.ticket(answered=9), "a", at=1, seconds=500.0, undone=True)
    load = read().load
    first, second = load.operators
    assert (first.name, first.this_hour, first.settled) == ("甲", 2, 3)
    assert (first.seconds.median, first.seconds.p90) == pytest.approx((4.0, 30.0))
    assert (second.name, second.this_hour, second.settled) == ("乙", 1, 1)
    assert (load.settled, load.this_hour) == (4, 3)
    assert load.minutes == Times(6, 6)
    assert read(Window.WEEK).load.settled == 5


def test_flow_of_the_day_in_hours_of_the_city(world: World, read):
    world.ticket(answered=31, level="auto")  # 11:59
    world.ticket(answered=10, level="auto", audited=True)
    world.ruled(world.ticket(answered=20), "a", at=3)
    load = read().load
    slots = {slot.label: (slot.answered, slot.for_people, slot.settled) for slot in load.slots}
    assert (slots["11:00"], slots["12:00"], slots["00:00"]) == ((1, 0, 0), (2, 2, 1), (0, 0, 0))
    assert load.auto_share == pytest.approx(2 / 3)


# --- agreement --------------------------------------------------------------------


def test_first_candidate_taken_by_level_and_family(world: World, read):
    for unit, chosen, level in (("a", "a", "suggest"), ("a", "b", "suggest"), ("b", "b", "preselect")):
        family = {"a": "城管局", "b": "水务局"}[unit]
        world.ruled(world.ticket(answered=30, level=level, unit=unit, family=family), chosen, at=3)
    other = world.ticket(answered=30)
    world.ruled(other, "a", at=4)
    world.ruled(other, "b", at=3, by=1, kind="second")  # a second opinion is not counted
    taken = read().taken
    assert (taken.overall.right, taken.overall.total) == (3, 4)
    assert [(s.name, s.right, s.total) for s in taken.by_level] == [("一键确认", 1, 1), ("人工选择", 2, 3)]
    assert [(s.name, s.right, s.total) for s in taken.by_family] == [("城管局", 2, 3), ("水务局", 1, 1)]


def test_returns_by_reason_and_unit(world: World, read):
    for unit, reason in (
        ("a", "jurisdiction"),
        ("a", "overlap"),
        ("a", "overlap"),
        ("b", None),
        ("gone", "other"),
    ):
        world.returned(unit, reason)
    world.returned("a", "jurisdiction", at=60 * 24 * 40)
    returns = read().returns
    assert returns.reasons == (1, 0, 2, 0, 2)
    assert [(unit.name, unit.total) for unit in returns.units] == [
        ("东湖区城管局", 3),
        ("gone", 1),
        ("东湖区水务局", 1),
    ]


def test_audits_follow_the_ruling_that_holds(world: World, read):
    right = world.ticket(answered=50, level="auto", audited=True)
    world.ruled(right, "a", at=9)
    overruled = world.ticket(answered=50, level="auto", audited=True)
    world.ruled(overruled, "a", at=9)
    world.ruled(overruled, "b", at=8, by=1, kind="second")
    world.ruled(overruled, "b", at=7, by=2, kind="lead")
    doubted = world.ticket(answered=50, level="auto", audited=True)
    world.ruled(doubted, "a", at=9)
    world.ruled(doubted, "b", at=8, by=1, kind="second")
    world.item(world.ticket(answered=5, level="auto", audited=True))
    audits = read().audits
    assert (audits.overall.right, audits.overall.total, read().load.audits_waiting) == (2, 3, 1)
    assert [(s.name, s.right, s.total) for s in audits.by_district] == [("东湖区", 2, 3)]


def test_kappa_of_second_opinions(world: World, read):
    for first, second, times in (("a", "a", 4), ("a", "b", 1), ("b", "a", 2), ("b", "b", 3)):
        for _ in range(times):
            ticket = world.ticket(answered=50)
            world.ruled(ticket, first, at=9)
            world.ruled(ticket, second, at=8, by=1, kind="second")
    found = read().second
    # Observed 7/10; by chance 5/10 * 6/10 + 5/10 * 4/10 = 1/2.
    assert found["城管局"].kappa == pytest.approx(0.4)
    assert (found["城管局"].either, found["城管局"].both) == (7, 4)
    assert found["水务局"].kappa == pytest.approx(0.4)


def test_an_empty_store_has_figures(read):
    figures = read(Window.MONTH)
    assert (figures.load.total_waiting, figures.load.seconds, figures.second) == (0, Times(None, None), {})
    assert chart_data(figures, None)["audits"]["values"] == [None]


def test_charts_carry_the_promise_and_every_age(world: World, read):
    world.item(world.ticket(answered=45))
    data = chart_data(read(), Promise(0.95))
    assert data["audits"]["promised"] == 0.95
    assert data["waiting"]["counts"] == [[0] * 4, [0, 0, 1, 0], [0] * 4, [0] * 4, [0] * 4]


def test_figures_are_kept_for_a_moment(world: World, store: Store, catalog: Catalog):
    cache = FigureCache(store)
    first = cache.get(catalog, Window.TODAY)
    world.item(world.ticket(answered=5))
    assert cache.get(catalog, Window.TODAY) is first
    assert cache.get(catalog, Window.WEEK).load.total_waiting == 1


# --- attention ------------------------------------------------------------------------


def test_what_waits_for_the_lead(world: World, store: Store, people: list[User]):
    disputed = world.item(world.ticket(answered=50), kind="lead", due=3)
    held = world.item(world.ticket(answered=50), leased_by=people[0].id, lease_expires_at=ago(-4))
    left = world.item(world.ticket(answered=50), leased_by=people[1].id, lease_expires_at=ago(4))
    for due in (30, -30):
        item = world.item(world.ticket(answered=50), status="consulting", due=due)
        with store.transaction() as session:
            session.add(
                Consultation(
                    item_id=item.id,
                    decision_id=item.decision_id,
                    opened_by=people[0].id,
                    question="归谁管",
                    opened_at=ago(45),
                )
            )
    with store.transaction() as session:
        found = find_attention(session, NOON)
    assert [entry.id for entry in found.disagreements.entries] == [disputed.id]
    assert [(e.id, e.who, e.free) for e in found.held.entries] == [
        (left.id, "乙", True),
        (held.id, "甲", False),
    ]
    assert (found.consultations.total, found.consultations.entries[0].who) == (1, "甲")
