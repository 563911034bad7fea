"""Tickets that came to the desk from a file, not from a caller: nobody dispatches them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from serve.store.base import Base


class ImportedTicket(Base):
    """What the file said of one imported ticket: the mark that its decision is none of the live ones."""

    __tablename__ = "imported_tickets"

    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), primary_key=True)
    imported_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(40))  # see serve.review.desk_lines
    given: Mapped[str | None] = mapped_column(String(100))  # the unit that the ticket has in the file
    suggested: Mapped[str | None] = mapped_column(String(100))  # the unit that is likelier


def is_live(decision_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return the condition that a decision, an item or a ruling is about a ticket that a caller sent."""
    return decision_id.not_in(select(ImportedTicket.decision_id))
