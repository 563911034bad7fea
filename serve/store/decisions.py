"""Tickets that were answered, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serve.store.base import Base


class StoredDecision(Base):
    """One answer to one revision of one ticket.

    The ticket's own words (`text`, `title`, `address`, `answer`, which quotes them) are emptied when the
    retention time is over and `purged_at` says so; figures and codes stay.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("ticket_id", "revision"),
        # The columns beside it let the desk lead's page count without reading the texts (SQLite adds the id).
        Index("ix_decisions_answered_at", "answered_at", "level", "audited", postgresql_include=["id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(200))
    revision: Mapped[int]  # 1, 2, … for each new text under the same ticket_id; 0, -1, … of imported ones
    input_sha256: Mapped[str] = mapped_column(String(64))  # of everything the model was given
    text: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    district: Mapped[str | None] = mapped_column(Text)
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    channel: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime | None]  # of the ticket, as the caller said
    answered_at: Mapped[datetime]
    purged_at: Mapped[datetime | None]

    level: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))  # code of the first lead candidate
    family: Mapped[str | None] = mapped_column(String(100))
    score: Mapped[float | None]  # of the first candidate, calibrated
    issue_category: Mapped[str | None] = mapped_column(String(100))
    jurisdiction: Mapped[str | None] = mapped_column(String(100))  # code of the resolved place
    district_code: Mapped[str | None] = mapped_column(String(100))  # the district above it
    place_status: Mapped[str] = mapped_column(String(20))
    flags: Mapped[list[Any]]
    time_limit_hours: Mapped[int | None]
    degraded: Mapped[bool]
    audited: Mapped[bool]  # an `auto` ticket drawn for audit
    model_version: Mapped[str] = mapped_column(String(64))
    catalog_version: Mapped[str] = mapped_column(String(64))
    policy_version: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any] | None]  # the JSON that the caller got
