"""Reviewed tickets from the store, each with the word that holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data.feedback import follow
from data.text import mask_pii
from serve.export.columns import ExportRow
from serve.review.queue import LEADING
from serve.review.second import outcome
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import Consultation, FeedbackEvent, ReviewItem, Ruling

_AT_A_TIME = 500

NameOf = Callable[[str], str]


class LeftOut(StrEnum):
    """Why a reviewed ticket, or a demand of one, is not exported."""

    PURGED = "purged"  # its text was emptied
    RETURNED = "returned"  # the unit sent it back, and nobody settled it anew
    DISPUTED = "disputed"  # a second opinion differs, and no lead has ruled
    NO_TEXT = "no text of its own"  # one of several demands, and the text was not split


@dataclass
class Tally:
    """How many tickets were looked at, rows made, and tickets or demands left out."""

    tickets: int = 0
    rows: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Period:
    """When the deciding word was spoken: from `since` to before `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def valid(self) -> list[ColumnElement[bool]]:
        """Return the conditions that a ruling is valid, and was made in it."""
        conditions: list[ColumnElement[bool]] = [Ruling.undone_at.is_(None)]
        if self.since is not None:
            conditions.append(Ruling.decided_at >= self.since)
        if self.until is not None:
            conditions.append(Ruling.decided_at < self.until)
        return conditions


class _Word(NamedTuple):
    """A valid ruling with what surrounds it."""

    ruling: Ruling
    kind: str
    role: str
    consultation: int | None
    decision: StoredDecision


class ReviewedTickets:
    """The reviewed tickets of a store; iterate once, then read `tally`."""

    def __init__(self, store: Store, period: Period, name_of: NameOf) -> None:
        self._store = store
        self._period = period
        self._name_of = name_of
        self.tally = Tally()

    def count(self) -> int:
        """Return how many tickets have a valid ruling in the period: what a progress bar runs to."""
        wanted = (
            select(func.count(StoredDecision.ticket_id.distinct()))
            .join(Ruling, Ruling.decision_id == StoredDecision.id)
            .where(*self._period.valid())
        )
        with self._store.transaction() as session:
            return session.scalar(wanted) or 0

    def rows(self, on_tickets: Callable[[int], None] = lambda _: None) -> Iterator[ExportRow]:
        """Yield a row for each ticket, or for each demand of a split one; texts are masked.

        A ticket's last valid word counts, and a lead's over an operator's. Of a ticket with several
        revisions it is the last one that was ruled on. `on_tickets` is told how many more were looked at.

        Tickets are read in pieces, each in a short transaction that is over before its rows are given: a
        slow taker holds no connection. What is ruled meanwhile may be in the later pieces, or not.
        """
        ticket_ids = self._ticket_ids()
        for start in range(0, len(ticket_ids), _AT_A_TIME):
            some = ticket_ids[start : start + _AT_A_TIME]
            with self._store.transaction() as session:
                words, events = _words(session, some), _events(session, some)
            for ticket_id, of_ticket in groupby(words, _ticket_id):
                for row in self._rows_of(list(of_ticket), events.get(ticket_id, [])):
                    self.tally.rows += 1
                    yield row
            on_tickets(len(some))

    def _ticket_ids(self) -> Sequence[str]:
        """Return the tickets with a valid ruling in the period, be it the one that holds or not."""
        wanted = (
            select(StoredDecision.ticket_id)
            .join(Ruling, Ruling.decision_id == StoredDecision.id)
            .where(*self._period.valid())
            .distinct()
            .order_by(StoredDecision.ticket_id)
        )
        with self._store.transaction() as session:
            return session.scalars(wanted).all()

    def _rows_of(self, words: list[_Word], events: list[FeedbackEvent]) -> Iterator[ExportRow]:
        last = _holding(words)
        if last is None or not self._period.holds(last.ruling.decided_at):
            return
        self.tally.tickets += 1
        decision, parts = last.decision, last.ruling.parts
        opinion = _second_opinion(last, words)
        if decision.text is None:
            self.tally.left_out[LeftOut.PURGED] += 1
        elif opinion == "disagreed":
            self.tally.left_out[LeftOut.DISPUTED] += 1
        else:
            text = mask_pii(decision.text)
            for number, part in enumerate(parts, 1):
                own = _text_of(part, text) if len(parts) > 1 else text
                if own is None:
                    self.tally.left_out[LeftOut.NO_TEXT] += 1
                elif _came_back(part["lead"], last.ruling.decided_at, events):
                    self.tally.left_out[LeftOut.RETURNED] += 1
                else:
                    yield self._row(last, part, own, number if len(parts) > 1 else None, opinion, events)

    def _row(
        self,
        word: _Word,
        part: dict[str, Any],
        text: str,
        number: int | None,
        opinion: str | None,
        events: list[FeedbackEvent],
    ) -> ExportRow:
        ruling, decision = word.ruling, word.decision
        held, returned = follow((event.kind, event.unit) for event in events)
        return ExportRow(
            ticket_id=decision.ticket_id if number is None else f"{decision.ticket_id}#{number}",
            text=text,
            title=_masked(decision.title),
            channel=decision.channel,
            created_at=_iso(decision.created_at),
            address=_masked(decision.address),
            district=decision.district,
            lon=decision.longitude,
            lat=decision.latitude,
            department=part["lead"],
            department_name=self._name_of(part["lead"]),
            assisting=" ".join(part["assisting"]) or None,
            jurisdiction=part["jurisdiction"],
            mode="dual" if part["assisting"] else "direct",
            part=number,
            decided_at=ruling.decided_at.isoformat(timespec="seconds"),
            decided_by=word.role,
            decided_kind="consult" if word.consultation is not None else word.kind,
            second_opinion=opinion,
            rank=ruling.rank,
            level=decision.level,
            model_unit=decision.unit,
            model_score=decision.score,
            held_unit=held,
            returned_units=" ".join(sorted(returned)) or None,
            model_version=decision.model_version,
            catalog_version=decision.catalog_version,
            policy_version=decision.policy_version,
        )


def _words(session: Session, ticket_ids: Sequence[str]) -> list[_Word]:
    """Return all valid rulings on these tickets, of any time, those of a ticket one after the other."""
    found = session.execute(
        select(Ruling, ReviewItem.kind, User.role, Consultation.id, StoredDecision)
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .join(User, User.id == Ruling.user_id)
        .join(StoredDecision, StoredDecision.id == Ruling.decision_id)
        .outerjoin(Consultation, Consultation.ruling_id == Ruling.id)
        .where(Ruling.undone_at.is_(None), StoredDecision.ticket_id.in_(ticket_ids))
        .order_by(StoredDecision.ticket_id, Ruling.id)
    )
    return [
        _Word(ruling, kind, role, consultation, decision)
        for ruling, kind, role, consultation, decision in found
    ]


def _ticket_id(word: _Word) -> str:
    return word.decision.ticket_id


def _holding(words: list[_Word]) -> _Word | None:
    """Return the word that holds: that on what a caller sent or that on what came from a file, the later."""
    said = [word for word in words if word.kind != "second"]
    live = max((word for word in said if word.decision.revision > 0), key=_weight, default=None)
    imported = max((word for word in said if word.decision.revision <= 0), key=_weight, default=None)
    return max(filter(None, (live, imported)), key=lambda word: word.ruling.decided_at, default=None)


def _weight(word: _Word) -> tuple[int, bool, datetime, int]:
    """Order words: the latest revision's, there a lead's before an operator's, there the latest."""
    led = word.kind == "lead" or word.role in LEADING
    return abs(word.decision.revision), led, word.ruling.decided_at, word.ruling.id


def _second_opinion(last: _Word, words: list[_Word]) -> str | None:
    """Return agreed or disagreed of the blind second opinion; None if there is none, or a lead ruled."""
    blind = [w for w in words if w.kind == "second" and w.decision.id == last.decision.id]
    if not blind or last.kind == "lead":
        return None
    return "agreed" if outcome(blind[-1].ruling) == outcome(last.ruling) else "disagreed"


def _came_back(lead: str, decided_at: datetime, events: list[FeedbackEvent]) -> bool:
    """Tell whether a unit sent a ticket back after it was ruled to be its, and did not take it later."""
    later = [event for event in events if event.happened_at > decided_at]
    held, returned = follow((event.kind, event.unit) for event in later)
    by_nobody = any(event.kind == "returned" and event.unit is None for event in later)
    return lead in returned or (by_nobody and held != lead)


def _text_of(part: dict[str, Any], text: str) -> str | None:
    start, end = part.get("start"), part.get("end")
    return None if start is None or end is None else text[start:end]


def _events(session: Session, ticket_ids: Sequence[str]) -> dict[str, list[FeedbackEvent]]:
    found: dict[str, list[FeedbackEvent]] = {}
    for event in session.scalars(
        select(FeedbackEvent)
        .where(FeedbackEvent.ticket_id.in_(ticket_ids))
        .order_by(FeedbackEvent.happened_at, FeedbackEvent.event_id)
    ):
        found.setdefault(event.ticket_id, []).append(event)
    return found


def _masked(text: str | None) -> str | None:
    return mask_pii(text) if text else None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
