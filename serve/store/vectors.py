"""Vectors of tickets whose unit is known: what similar tickets are found by."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from serve.store.base import Base


class TicketVector(Base):
    """The encoder's vector of one decided ticket, float16 of unit length; another model makes another one.

    It goes when the ticket's words go: something of them could be read from it.
    """

    __tablename__ = "ticket_vectors"

    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), primary_key=True)
    model_version: Mapped[str] = mapped_column(String(64), index=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
