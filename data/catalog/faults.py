"""What is wrong with a catalog, where, and how to put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from data.errors import PaidanError

_SHOWN = 100


class Severity(StrEnum):
    """An error keeps the catalog from being used; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `where` is file and line, or sheet and cell."""

    where: str
    what: str
    fix: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.fix}"


class CatalogError(PaidanError):
    """A catalog cannot be read, written or used.

    Attributes:
        faults: every fault that was found; those that are errors come first.
    """

    def __init__(self, faults: Iterable[Fault], *, where: str | None = None) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.severity is not Severity.ERROR))
        errors = errors_of(self.faults)
        lines = [f"\n  {fault}" for fault in errors[:_SHOWN]]
        if len(errors) > _SHOWN:
            lines.append(f"\n  and {len(errors) - _SHOWN} more")
        noun = "error" if len(errors) == 1 else "errors"
        super().__init__(f"{len(errors)} {noun} in the catalog{''.join(lines)}", where=where)

    def render(self) -> str:
        """Return one line for the whole and one for each fault."""
        return f"{self.where}: {self.what}" if self.where else self.what


def errors_of(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults that keep a catalog from being used."""
    return [fault for fault in faults if fault.severity is Severity.ERROR]
