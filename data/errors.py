"""The root of every error that Paidan raises on purpose."""

from __future__ import annotations


class PaidanError(Exception):
    """Say what is wrong, where, what was expected, and the way out.

    Never put ticket text, names or numbers of citizens into any of the fields:
    they end up in logs and on screens.

    Attributes:
        what: one clause naming the fault.
        where: file, row, sheet and cell, or setting.
        expected: what would have been accepted.
        fix: the next thing a person should do.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.fix = fix
        super().__init__(self.render())

    def render(self) -> str:
        """Return the whole message as one line."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            parts.append(f"expected {self.expected}")
        line = "; ".join(parts)
        return f"{line}. {self.fix}" if self.fix else f"{line}."
