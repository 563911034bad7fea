"""What can be wrong with an encoder or an artifact."""

from __future__ import annotations

from data.errors import PaidanError


class EncoderError(PaidanError):
    """An encoder cannot be loaded or built."""


class ArtifactError(PaidanError):
    """An artifact folder is incomplete, changed or of another format."""
