"""What a person is to the service."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What someone does: operators review, leads run the desk, analysts train, admins manage people."""

    OPERATOR = "operator"
    LEAD = "lead"
    ANALYST = "analyst"
    ADMIN = "admin"
