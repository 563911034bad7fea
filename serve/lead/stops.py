"""The switch that stops `auto`, for one unit or for all: thrown and lifted with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session, aliased

from data.catalog.catalog import Catalog
from serve.review.history import when
from serve.review.parts import check_unit
from serve.security.audit import actor_of, audit
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import AutoStop

LATEST = 10
"""How many lifted stops are shown."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop as the page shows it. `unit` is None for all; what was not lifted has no `lifted_by`."""

    unit: str | None
    name: str
    reason: str
    stopped_by: str
    stopped_at: str
    lifted_by: str | None
    lifted_at: str | None
    lift_reason: str | None


class AutoStops:
    """Stops `auto` and lets it run again; the scorers of all processes obey within two seconds."""

    def __init__(
        self, store: Store, catalog: Callable[[], Catalog], today: Callable[[], date] = date.today
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._today = today

    def stop(self, user: User, unit: str | None, reason: str) -> None:
        """Stop `auto` for a unit, or for all; nothing happens where it is stopped already.

        Raises:
            UnitRetired: the catalog has no such unit.
        """
        if unit is not None:
            check_unit(unit, self._catalog(), self._today())
        with self._store.transaction() as session:
            _one_at_a_time(session, user)
            there = session.scalars(select(AutoStop.id).where(_of(unit), AutoStop.lifted_at.is_(None)))
            if there.first() is not None:
                return
            made = AutoStop(unit=unit, reason=reason, stopped_by=user.id, stopped_at=now())
            session.add(made)
            session.flush()
            audit(session, actor_of(user), "auto.stop", _subject(unit), stop=made.id)

    def lift(self, user: User, unit: str | None, reason: str) -> None:
        """Let `auto` run again; nothing happens where it is not stopped."""
        with self._store.transaction() as session:
            lifted = session.scalars(
                update(AutoStop)
                .where(_of(unit), AutoStop.lifted_at.is_(None))
                .values(lifted_by=user.id, lifted_at=now(), lift_reason=reason)
                .returning(AutoStop.id)
            ).all()
            if lifted:
                audit(session, actor_of(user), "auto.lift", _subject(unit), stops=sorted(lifted))

    def active(self) -> list[Stop]:
        """Return what is stopped now: all first, then units, the latest first."""
        return sorted(self._read(AutoStop.lifted_at.is_(None), None), key=lambda stop: stop.unit is not None)

    def lifted(self) -> list[Stop]:
        """Return the stops that were lifted last."""
        return self._read(AutoStop.lifted_at.is_not(None), LATEST)

    def _read(self, condition: ColumnElement[bool], limit: int | None) -> list[Stop]:
        catalog = self._catalog()
        by, lifter = aliased(User), aliased(User)
        query = (
            select(AutoStop, by.display_name, lifter.display_name)
            .join(by, by.id == AutoStop.stopped_by)
            .outerjoin(lifter, lifter.id == AutoStop.lifted_by)
            .where(condition)
            .order_by(AutoStop.id.desc())
            .limit(limit)
        )
        with self._store.transaction() as session:
            return [
                Stop(
                    row.unit,
                    _name(catalog, row.unit),
                    row.reason,
                    stopped_by,
                    when(row.stopped_at),
                    lifted_by,
                    when(row.lifted_at) if row.lifted_at else None,
                    row.lift_reason,
                )
                for row, stopped_by, lifted_by in session.execute(query)
            ]


def _one_at_a_time(session: Session, user: User) -> None:
    """Let a person's second click wait for the first: a write that changes nothing locks the row."""
    session.execute(update(User).where(User.id == user.id).values(role=User.role))


def _of(unit: str | None) -> ColumnElement[bool]:
    return AutoStop.unit.is_(None) if unit is None else AutoStop.unit == unit


def _name(catalog: Catalog, unit: str | None) -> str:
    if unit is None:
        return "全部单位"
    return catalog.departments[unit].name if unit in catalog.departments else unit


def _subject(unit: str | None) -> str:
    return "unit:*" if unit is None else f"unit:{unit}"
