"""Reads the audit log, for people who answer for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from serve.store.engine import Store
from serve.store.people import AuditEntry

PAGE = 50


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries from the latest on; `older` is the id to go on below, None at the end."""

    entries: Sequence[AuditEntry]
    older: int | None


def read_trail(
    store: Store,
    *,
    person: str = "",
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    most: int = PAGE,
) -> Trail:
    """Return a page of the log.

    `person` is a name that people sign in with, or an actor as the log has it (cli, key:NAME); `action` the
    start of an action (review., user.password). `until` is the first moment that is too late.
    """
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most + 1)
    if person:
        wanted = wanted.where(AuditEntry.actor.in_((person, f"user:{person}")))
    if action:
        wanted = wanted.where(AuditEntry.action.startswith(action, autoescape=True))
    if since is not None:
        wanted = wanted.where(AuditEntry.at >= since)
    if until is not None:
        wanted = wanted.where(AuditEntry.at < until)
    if before is not None:
        wanted = wanted.where(AuditEntry.id < before)
    with store.transaction() as session:
        found = session.scalars(wanted).all()
    page = found[:most]
    return Trail(page, page[-1].id if len(found) > most else None)
