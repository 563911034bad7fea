"""Twelve invented weeks of a desk in the sample city: a real model's answers, what people made of them, what came back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

import orjson

from data.tickets.ticket import Ticket
from model.decision import Decision
from serve.scorer import Scorer
from serve.security.roles import Role
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recorded import row_of
from serve.store.reviews import FeedbackEvent, ReviewItem, Ruling

WEEKS, A_WEEK, BATCH = 12, 200, 25
PEOPLE = {
    "wangmin": ("王敏", Role.OPERATOR),
    "liqiang": ("李强", Role.OPERATOR),
    "zhaoxue": ("赵雪", Role.OPERATOR),
    "chenban": ("陈班长", Role.LEAD),
    "zhoufx": ("周分析", Role.ANALYST),
    "admin": ("吴管理", Role.ADMIN),
}
RETURNS = ("jurisdiction", "authority", "overlap", "overlap", "incomplete", "other")


def add_people(store: Store) -> list[User]:
    """Add the desk's people and return them; none of them can sign in with a password."""
    people = [
        User(
            name=name,
            display_name=shown,
            role=role.value,
            password_hash="-",
            failed_attempts=0,
            created_at=now(),
        )
        for name, (shown, role) in PEOPLE.items()
    ]
    with store.transaction() as session:
        session.add_all(people)
    return people


def add_weeks(store: Store, scorer: Scorer, tickets: Path, people: list[User]) -> None:
    """Answer tickets of `paidan sample tickets` as if they had come in during the last weeks, and settle most."""
    chance, catalog = random.Random(12), scorer.catalog  # type: ignore[attr-defined]
    codes = {unit.name: unit.code for unit in catalog.departments.values()}
    lines = _lines(tickets)
    operators = [person for person in people if person.role == Role.OPERATOR]
    while rows := list(islice(lines, BATCH)):
        asked = [
            Ticket(row["ticket_id"], row["text"], title=row.get("title"), channel=row.get("channel"))
            for row in rows
        ]
        decided = zip(rows, asked, scorer.score(asked, top_k=5), strict=True)
        with store.transaction() as session:
            for row, ticket, decision in decided:
                at = now() - timedelta(days=7 * WEEKS * chance.random(), minutes=20)
                audited = decision.level == "auto" and chance.random() < 0.4
                stored = StoredDecision(
                    **row_of(ticket, decision, catalog.gazetteer, at, audited=audited), revision=1
                )
                session.add(stored)
                session.flush()
                if decision.level == "auto" and not audited:
                    continue
                chosen = _chosen(chance, codes, row, decision)
                for person, kind in zip(chance.sample(operators, 2), ("first", "second"), strict=True):
                    session.add(item := _item(stored, kind, at))
                    session.flush()
                    again = chosen if chance.random() < 0.93 else stored.unit
                    session.add(_ruling(chance, item, person, again if kind == "second" else chosen, at))
                    if chance.random() > 0.12:
                        break  # most get no second opinion
                if chance.random() < 0.05:
                    session.add(_returned(chance, stored, chosen, at))


def _lines(tickets: Path) -> Iterator[Mapping[str, str]]:
    with tickets.open("rb") as file:
        yield from map(orjson.loads, islice(file, WEEKS * A_WEEK))


def _chosen(
    chance: random.Random, codes: Mapping[str, str], row: Mapping[str, str], decision: Decision
) -> str:
    """Return the unit of the ticket's label as a rule, else a candidate: people err, too."""
    right = codes.get(row["department"])
    if right is None or chance.random() < 0.03:
        return chance.choice(decision.candidates).department.code
    return right


def _item(stored: StoredDecision, kind: str, at: datetime) -> ReviewItem:
    return ReviewItem(
        decision_id=stored.id, kind=kind, status="settled", created_at=at, due_at=at + timedelta(minutes=30), risk=0,
        score=stored.score or 0.0, level=stored.level, unit=stored.unit, family=stored.family,
        district_code=stored.district_code, channel=stored.channel, skipped_by=[], settled_at=at + timedelta(minutes=5),
    )  # fmt: skip


def _ruling(chance: random.Random, item: ReviewItem, person: User, unit: str | None, at: datetime) -> Ruling:
    return Ruling(
        item_id=item.id, decision_id=item.decision_id, user_id=person.id, request_id=uuid4().hex, mode="direct", unit=unit,
        parts=[{"lead": unit, "assisting": [], "jurisdiction": None, "start": None, "end": None}],
        rank=1 if unit == item.unit else None, note=None, seconds=chance.lognormvariate(1.4, 0.5),
        decided_at=at + timedelta(minutes=chance.uniform(1, 18)),
    )  # fmt: skip


def _returned(chance: random.Random, stored: StoredDecision, unit: str, at: datetime) -> FeedbackEvent:
    return FeedbackEvent(
        event_id=uuid4().hex, ticket_id=stored.ticket_id, kind="returned", unit=unit, reason=chance.choice(RETURNS),
        happened_at=at + timedelta(minutes=19), received_at=at + timedelta(minutes=19),
    )  # fmt: skip
