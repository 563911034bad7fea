"""The audit log: who did what, kept for good."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from serve.store.base import now
from serve.store.people import AuditEntry, User

CLI = "cli"
"""Actor of what is done at the command line: who may run it may do everything."""


def actor_of(user: User) -> str:
    """Return the name that a person has in the log."""
    return f"user:{user.name}"


def audit(session: Session, actor: str, action: str, subject: str | None = None, **details: Any) -> None:
    """Log an action in the transaction that does it. `details` hold codes and figures, never ticket text."""
    session.add(AuditEntry(at=now(), actor=actor, action=action, subject=subject, details=details))


def audit_ticket(session: Session, user: User, action: str, ticket_id: str, **details: Any) -> None:
    """Log what a person did with a ticket, in the transaction that does it."""
    audit(session, actor_of(user), action, f"ticket:{ticket_id}", **details)
