"""Leases, rulings and what follows from them, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import func, select, update

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from serve.review import agreement
from serve.review.consult import Consultations, Question
from serve.review.parts import Part, Settlement
from serve.review.problems import AlreadySettled, LeaseLost, NothingToUndo, UnitRetired, UnusableRuling
from serve.review.queue import Filters, ReviewQueue
from serve.review.rulings import Rulings
from serve.review.second import SecondOpinions
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import AuditEntry, User
from serve.store.reviews import Consultation, ConsultationAnswer, ReviewItem, Ruling

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_number = count(1)


@pytest.fixture
def catalog() -> Catalog:
    gone = datetime(2020, 1, 1).date()
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
            Department("a", "东湖区城管局", kind, "城管局", "d", predecessors=("old",)),
            Department("b", "东湖区水务局", kind, "水务局", "d"),
            Department("old", "东湖区市容局", kind, "城管局", "d", effective_to=gone),
        ],
    )


@pytest.fixture
def people(store: Store) -> list[User]:
    people = [
        User(
            name=f"u{i}",
            display_name=f"操作员{i}",
            role=role,
            password_hash="-",
            failed_attempts=0,
            created_at=START,
        )
        for i, role in enumerate(("operator", "operator", "lead"))
    ]
    with store.transaction() as session:
        session.add_all(people)
    return people


@pytest.fixture
def add(store: Store) -> Callable[..., int]:
    """Return `add(**of_the_item)`: a decision and its place in the queue; gives the item's id."""

    def added(*, due: int = 0, **item: object) -> int:
        number = next(_number)
        fields = {"risk": 0, "score": 0.5, "level": "suggest", "family": "城管局", "kind": "first"} | item
        with store.transaction() as session:
            decision = StoredDecision(
                ticket_id=f"T{number}", revision=1, input_sha256="0" * 64, text=f"门前第{number}处积水",
                answered_at=START, level="suggest", mode="direct", unit="a", family="城管局",
                place_status="missing", flags=[], degraded=False, audited=False,
                model_version="m", catalog_version="c", policy_version="p", answer=None,
            )  # fmt: skip
            session.add(decision)
            session.flush()
            row = ReviewItem(
                decision_id=decision.id, status="waiting", created_at=START,
                due_at=START + timedelta(minutes=due), skipped_by=[], **fields,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

    return added


@pytest.fixture
def queue(store: Store) -> ReviewQueue:
    return ReviewQueue(store, 60)


@pytest.fixture
def rulings(store: Store, catalog: Catalog) -> Rulings:
    return Rulings(store, lambda: catalog, SecondOpinions(0, 1), 60)


def sent(unit: str = "a", **more: object) -> Settlement:
    request = {"request_id": f"request-{next(_number)}", "parts": [Part(lead=unit)], "seconds": 1.0}
    return Settlement(**(request | more))


def expire(store: Store) -> None:
    with store.transaction() as session:
        session.execute(update(ReviewItem).values(lease_expires_at=now() - timedelta(seconds=1)))


def test_most_pressing_comes_first(queue: ReviewQueue, add, people):
    add(due=2)
    sure, unsure = add(due=1, score=0.9), add(due=1, score=0.1)
    risky = add(due=1, risk=2, score=0.95)
    order = []
    for _ in range(3):
        order.append(queue.claim(people[0]))
        queue.hand_over(people[0], order[-1], people[2])
    assert order == [risky, unsure, sure]


def test_reload_shows_the_same_ticket(queue: ReviewQueue, add, people):
    add(due=1)
    held = queue.claim(people[0])
    add(due=0)
    assert queue.claim(people[0]) == held


def test_two_people_get_two_tickets(queue: ReviewQueue, add, people):
    add(), add()
    assert queue.claim(people[0]) != queue.claim(people[1])


def test_nothing_is_left_for_a_second_person(queue: ReviewQueue, add, people):
    add()
    queue.claim(people[0])
    assert queue.claim(people[1]) is None


def test_expired_lease_goes_to_others(queue: ReviewQueue, store, add, people):
    item = add()
    queue.claim(people[0])
    expire(store)
    assert queue.claim(people[1]) == item
    with pytest.raises(LeaseLost, match="操作员1"):
        queue.renew(people[0], item)


def test_expired_lease_is_renewed_while_nobody_took_it(queue: ReviewQueue, store, add, people):
    item = add()
    queue.claim(people[0])
    expire(store)
    queue.renew(people[0], item)
    assert queue.claim(people[1]) is None


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(level="consult"), True),
        (Filters(level="suggest"), False),
        (Filters(district="d"), True),
        (Filters(family="水务局"), True),
        (Filters(channel="网络"), True),
        (Filters(channel="电话"), False),
        (Filters(older_than=60), True),
    ],
)
def test_filters(filters: Filters, found: bool, queue: ReviewQueue, add, people):
    item = add(level="consult", district_code="d", family="水务局", channel="网络")
    assert queue.claim(people[0], filters) == (item if found else None)


def test_skipped_ticket_goes_to_others_until_asked_for(queue, rulings, add, people):
    item = add()
    queue.claim(people[0])
    rulings.skip(people[0], item)
    assert queue.claim(people[0]) is None
    assert queue.skipped_count(people[0]) == 1
    assert queue.skipped_count(people[1]) == 0
    queue.forget_skips(people[0])
    assert queue.claim(people[0]) == item


def test_counts_by_level(queue: ReviewQueue, add, people):
    add(level="consult"), add(), add()
    assert queue.counts() == {"consult": 1, "suggest": 2}


@pytest.mark.parametrize(("words", "count_"), [("积水", 2), ("%", 0), ("T", 2), ("_", 0), ("没有的", 0)])
def test_search(words: str, count_: int, queue: ReviewQueue, add, people):
    add(), add()
    assert len(queue.search(words)) == count_


def test_settling_keeps_what_was_decided(rulings, queue, store, add, people):
    item = add()
    queue.claim(people[0])
    made = rulings.settle(people[0], item, sent(rank=1, note="已核实"))
    with store.transaction() as session:
        ruling = session.get_one(Ruling, made)
        assert (ruling.unit, ruling.rank, ruling.note, ruling.mode) == ("a", 1, "已核实", "direct")
        assert session.get_one(ReviewItem, item).status == "settled"
        assert session.scalars(select(AuditEntry.action)).all() == ["review.settle"]


def test_request_sent_twice_is_one_ruling(rulings, add, people, store):
    item, request = add(), sent()
    assert rulings.settle(people[0], item, request) == rulings.settle(people[0], item, request)
    with store.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Ruling)) == 1


def test_ticket_settled_elsewhere_is_refused(rulings, add, people):
    item = add()
    rulings.settle(people[0], item, sent())
    with pytest.raises(AlreadySettled, match="已在别处办结"):
        rulings.settle(people[1], item, sent())


def test_retired_unit_is_refused_and_the_ticket_stays(rulings, queue, add, people):
    item = add()
    queue.claim(people[0])
    with pytest.raises(UnitRetired, match="东湖区城管局承接"):
        rulings.settle(people[0], item, sent("old"))
    assert queue.claim(people[0]) == item


@pytest.mark.parametrize(
    "part",
    [
        Part(lead="a", assisting=["a"]),
        Part(lead="a", jurisdiction="none"),
        Part(lead="a", start=3, end=2),
        Part(lead="a", start=0, end=999),
        Part(lead="a", start=1),
    ],
)
def test_impossible_parts_are_refused(part: Part, rulings, add, people):
    with pytest.raises(UnusableRuling):
        rulings.settle(people[0], add(), sent(parts=[part]))


def test_several_demands_with_assisting_units(rulings, add, people, store):
    parts = [
        Part(lead="a", assisting=["b"], jurisdiction="d", start=0, end=2),
        Part(lead="b", start=2, end=4),
    ]
    made = rulings.settle(people[0], add(), sent(parts=parts))
    with store.transaction() as session:
        ruling = session.get_one(Ruling, made)
        assert (ruling.mode, len(ruling.parts), ruling.parts[0]["assisting"]) == ("dual", 2, ["b"])


def test_undo_gives_the_ticket_back(rulings, queue, add, people):
    item = add()
    add()
    made = rulings.settle(people[0], item, sent())
    queue.claim(people[0])
    assert rulings.undo(people[0], made) == item
    assert queue.claim(people[0]) == item
    with pytest.raises(NothingToUndo):
        rulings.undo(people[0], made)


def test_nobody_undoes_anothers_ruling(rulings, add, people):
    made = rulings.settle(people[0], add(), sent())
    with pytest.raises(NothingToUndo):
        rulings.undo(people[1], made)


def test_second_opinion_is_anothers_and_disagreement_a_leads(store, catalog, queue, add, people):
    rulings = Rulings(store, lambda: catalog, SecondOpinions(1, 1), 60)
    rulings.settle(people[0], add(), sent("a"))
    assert queue.claim(people[0]) is None
    second = queue.claim(people[1])
    rulings.settle(people[1], second, sent("b"))
    assert queue.claim(people[0]) is None
    lead = queue.claim(people[2])
    assert lead not in (None, second)
    with store.transaction() as session:
        families = agreement.measure(session, lambda code: catalog.departments[code].family, START)
    assert families["城管局"].either == 1
    assert families["城管局"].both == 0


def test_undo_takes_the_second_opinion_back(store, catalog, queue, add, people):
    rulings = Rulings(store, lambda: catalog, SecondOpinions(1, 1), 60)
    made = rulings.settle(people[0], add(), sent())
    rulings.undo(people[0], made)
    assert queue.claim(people[1]) is None


def test_same_seed_draws_the_same_share():
    drawn = [SecondOpinions(0.1, 7).drawn(i) for i in range(2000)]
    assert drawn == [SecondOpinions(0.1, 7).drawn(i) for i in range(2000)]
    assert 140 < sum(drawn) < 260


def test_kappa_of_a_known_table():
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert agreement.kappa(pairs) == pytest.approx(0.4)


def test_consultation_from_question_to_precedent(store, catalog, queue, add, people):
    consultations = Consultations(store, lambda: catalog)
    item = add()
    opened = consultations.open(people[0], item, Question(units=["a", "b"], question="归谁管"))
    assert queue.claim(people[0]) is None
    with store.transaction() as session:
        answer = session.scalars(select(ConsultationAnswer.id)).first()
    consultations.record(people[0], answer, True, "我们管")
    assert [view.waiting for view in consultations.waiting()] == [1]
    made = consultations.close(people[0], opened, sent("a"), "水从门店流出")
    assert consultations.waiting() == []
    with store.transaction() as session:
        assert session.get_one(Consultation, opened).ruling_id == made
    with pytest.raises(AlreadySettled):
        consultations.close(people[0], opened, sent("a"), "再来一次")


def test_forty_operators_at_once_lose_and_double_nothing(store, catalog, queue, add, people):
    items = {add(due=i % 7) for i in range(200)}
    crowd = [
        User(
            name=f"c{i}",
            display_name=f"人{i}",
            role="operator",
            password_hash="-",
            failed_attempts=0,
            created_at=START,
        )
        for i in range(40)
    ]
    with store.transaction() as session:
        session.add_all(crowd)
    rulings = Rulings(store, lambda: catalog, SecondOpinions(0, 1), 60)
    failures: list[BaseException] = []

    def work(user: User) -> None:
        try:
            while (item := queue.claim(user)) is not None:
                rulings.settle(user, item, sent())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(user,)) for user in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    with store.transaction() as session:
        assert sorted(session.scalars(select(Ruling.item_id))) == sorted(items)
        assert set(session.scalars(select(ReviewItem.status))) == {"settled"}
