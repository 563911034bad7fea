"""Lines for the desk: tickets in a file, each with why a person should look (docs/training.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, ValidationError

from data.errors import PaidanError
from data.tickets.ticket import Ticket
from serve.api.requests import Limits, TicketRequest, validate
from serve.errors import InvalidRequest


class DeskFileError(PaidanError):
    """A file for the desk cannot be read."""


class DoubtReason(StrEnum):
    """Why a person should look at a ticket."""

    SUSPECTED_LABEL = "suspected_label"
    WORTH_LABELLING = "worth_labelling"


DOUBTS = {DoubtReason.SUSPECTED_LABEL: "疑似标错", DoubtReason.WORTH_LABELLING: "值得标注"}

Code = Annotated[str, Field(min_length=1, max_length=100)]


class _Doubt(BaseModel):
    """The object `review` of a line; what else it holds is for analysts."""

    reason: DoubtReason
    given: Code | None = None
    suggested: Code | None = None


@dataclass(frozen=True, slots=True)
class DeskLine:
    """One ticket, why it comes to the desk, the unit it has and the one that is likelier."""

    ticket: Ticket
    reason: DoubtReason
    given: str | None
    suggested: str | None


def read_desk_lines(path: Path, limits: Limits) -> list[DeskLine]:
    """Read a whole file; raise DeskFileError at the first line that cannot be taken, so that none is."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DeskFileError(f"cannot be read ({error.strerror})", where=str(path)) from None
    return [
        _line(line, f"{path}, line {number}", limits)
        for number, line in enumerate(content.splitlines(), 1)
        if line.strip()
    ]


def _line(line: bytes, where: str, limits: Limits) -> DeskLine:
    expected = "a line of `paidan quality labels --to-desk`"
    try:
        fields: Any = orjson.loads(line)
        doubt = _Doubt.model_validate(fields.pop("review"))
        fields.pop("department", None)
        ticket = validate(TicketRequest, fields, limits).to_ticket()
    except orjson.JSONDecodeError:
        raise DeskFileError("is no JSON", where=where, expected=expected) from None
    except (AttributeError, KeyError, TypeError):
        raise DeskFileError("has no `review`", where=where, expected=expected) from None
    except ValidationError as error:
        names = ", ".join(sorted({".".join(map(str, fault["loc"])) for fault in error.errors()}))
        raise DeskFileError(
            f"`review` cannot be read: {names or 'no object'}", where=where, expected=expected
        ) from None
    except InvalidRequest as problem:
        faults = ", ".join(f"{fault.pointer}: {fault.detail}" for fault in problem.faults)
        raise DeskFileError(f"is no ticket ({faults})", where=where, expected=expected) from None
    return DeskLine(ticket, doubt.reason, doubt.given, doubt.suggested)
