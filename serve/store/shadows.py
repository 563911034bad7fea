"""What a candidate would have answered, beside what was answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serve.store.base import Base


class ShadowDecision(Base):
    """Two answers to one ticket: of the model that served, and of one that only watched. No text."""

    __tablename__ = "shadow_decisions"
    __table_args__ = (
        UniqueConstraint("ticket_id", "input_sha256", "shadow_model"),
        Index("ix_shadow_decisions_models", "shadow_model", "live_model", "answered_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(200))
    input_sha256: Mapped[str] = mapped_column(String(64))
    answered_at: Mapped[datetime]
    live_model: Mapped[str] = mapped_column(String(64))
    live_unit: Mapped[str | None] = mapped_column(String(100))
    live_score: Mapped[float | None]
    live_level: Mapped[str] = mapped_column(String(20))
    shadow_model: Mapped[str] = mapped_column(String(64))
    shadow_unit: Mapped[str | None] = mapped_column(String(100))
    shadow_score: Mapped[float | None]
    shadow_level: Mapped[str] = mapped_column(String(20))
