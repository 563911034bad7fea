"""What can go wrong between a ticket file and an artifact."""

from __future__ import annotations

from data.errors import PaidanError


class TrainingError(PaidanError):
    """A training cannot start or go on."""
