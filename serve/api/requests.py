"""What the API takes, and how a body becomes tickets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from data.feedback import FeedbackKind
from data.text import normalise
from data.tickets.ticket import MAX_TEXT_LENGTH, Location, Ticket
from serve.api.examples import BATCH_REQUEST, FEEDBACK_REQUEST, SIMILAR_REQUEST, TICKET_REQUESTS
from serve.errors import Fault, InvalidRequest, MalformedBody
from serve.feedback.events import ReturnReason
from serve.settings import ServeSettings

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1900, 2200)
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")

NO_READABLE_TEXT = "no readable text"
NOT_A_DATE = "not a date and time such as 2026-05-01T08:30:00+08:00"
REQUIRED = "required"


def too_long(limit: int) -> str:
    """Say that a text is over the limit."""
    return f"over {limit} characters"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold."""

    text_length: int
    batch_tickets: int
    top_k: int

    @classmethod
    def from_settings(cls, settings: ServeSettings) -> Limits:
        """Take the limits out of the settings."""
        return cls(settings.max_text_length, settings.max_batch_tickets, settings.max_top_k)


def _limits(info: ValidationInfo) -> Limits:
    assert isinstance(info.context, Limits)
    return info.context


def _readable(text: str, info: ValidationInfo) -> str:
    limit = _limits(info).text_length
    if len(text) > limit:
        raise PydanticCustomError("too_long", too_long(limit))
    if not any(map(str.isalnum, normalise(text).text)):
        raise PydanticCustomError("no_readable_text", NO_READABLE_TEXT)
    return text


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise PydanticCustomError("control_character", "holds a control character")
    return value


def _written_out(value: object) -> object:
    if not isinstance(value, str) or not _ISO_DATE.match(value):  # a bare number could be seconds or days
        raise PydanticCustomError("bad_date", NOT_A_DATE)
    return value


def _in_our_time(value: datetime) -> datetime:
    if value.year not in _YEARS:  # nor could the first and last days of the calendar be turned to UTC
        raise PydanticCustomError("bad_date", NOT_A_DATE)
    return value


def _few_enough(value: int, info: ValidationInfo) -> int:
    limit = _limits(info).top_k
    if value > limit:
        raise PydanticCustomError("top_k", "more than {limit}", {"limit": limit})
    return value


def _fits(tickets: list[Any], info: ValidationInfo) -> list[Any]:
    limit = _limits(info).batch_tickets
    if isinstance(tickets, list) and len(tickets) > limit:
        raise PydanticCustomError("too_many", "over {limit} tickets in one call", {"limit": limit})
    return tickets


class LocationRequest(BaseModel):
    """A WGS-84 position, in degrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lon: Annotated[float, Strict(), Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Strict(), Field(ge=-90, le=90, allow_inf_nan=False)]


class TicketRequest(BaseModel):
    """A ticket to be dispatched."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": TICKET_REQUESTS})

    ticket_id: Annotated[
        str,
        Field(min_length=1, max_length=128, description="The caller's own id."),
        AfterValidator(_one_line),
    ]
    text: Annotated[
        str,
        Field(
            description="The ticket's text, as the operator wrote it.",
            json_schema_extra={"maxLength": MAX_TEXT_LENGTH},
        ),
        AfterValidator(_readable),
    ]
    title: Annotated[str | None, Field(max_length=500)] = None
    channel: Annotated[
        str | None, Field(max_length=100, description="How it came in, such as 电话 or 微信.")
    ] = None
    created_at: Annotated[
        Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_our_time)] | None,
        Field(description="ISO 8601, with or without an offset."),
    ] = None
    address: Annotated[str | None, Field(max_length=500)] = None
    district: Annotated[
        str | None, Field(max_length=100, description="Where the caller knows it already.")
    ] = None
    location: LocationRequest | None = None
    top_k: Annotated[
        Annotated[int, Strict(), Field(ge=1), AfterValidator(_few_enough)] | None,
        Field(description="Candidates wanted; the service's own default if left out."),
    ] = None

    def to_ticket(self) -> Ticket:
        """Return the ticket that the model takes."""
        return Ticket(
            ticket_id=self.ticket_id,
            text=self.text,
            title=self.title,
            channel=self.channel,
            created_at=self.created_at,
            address=self.address,
            district=self.district,
            location=Location(self.location.lon, self.location.lat) if self.location else None,
        )


class BatchRequest(BaseModel):
    """Several tickets to be dispatched; each by itself, in any order of ids."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [BATCH_REQUEST]})

    tickets: Annotated[list[TicketRequest], BeforeValidator(_fits), Field(min_length=1)]


class FeedbackRequest(BaseModel):
    """What became of a ticket after its dispatch."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [FEEDBACK_REQUEST]})

    event_id: Annotated[
        str,
        Field(min_length=1, max_length=128, description="The caller's own id of the event: twice is once."),
        AfterValidator(_one_line),
    ]
    ticket_id: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)]
    kind: FeedbackKind
    unit: Annotated[
        Annotated[str, AfterValidator(_one_line)] | None,
        Field(max_length=100, description="Code of the unit that did so."),
    ] = None
    reason: Annotated[ReturnReason | None, Field(description="Of a return.")] = None
    happened_at: Annotated[
        Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_our_time)],
        Field(description="ISO 8601; events may arrive in any order."),
    ]


class SimilarRequest(BaseModel):
    """A text to which similar past tickets are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [SIMILAR_REQUEST]})

    text: Annotated[
        str,
        Field(description="The ticket's text.", json_schema_extra={"maxLength": MAX_TEXT_LENGTH}),
        AfterValidator(_readable),
    ]
    ticket_id: Annotated[
        Annotated[str, AfterValidator(_one_line)] | None,
        Field(max_length=128, description="Its own id, so that it is not found itself."),
    ] = None


_Request = TypeVar("_Request", TicketRequest, BatchRequest, FeedbackRequest, SimilarRequest)

_WORDING = {
    "missing": REQUIRED,
    "extra_forbidden": "not a field that the request has",
    "model_type": "not a JSON object",
    "datetime_from_date_parsing": NOT_A_DATE,
    "datetime_parsing": NOT_A_DATE,
}


def parse_body(model: type[_Request], body: bytes, limits: Limits) -> _Request:
    """Read a request out of a body.

    Raise MalformedBody if it is not JSON (RFC 8259: UTF-8, no NaN, no half surrogate pairs, at most 1024
    levels deep), InvalidRequest if it is not what the endpoint takes.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(error.pos) from None
    return validate(model, content, limits)


def validate(model: type[_Request], content: object, limits: Limits) -> _Request:
    """Return the request that parsed JSON holds; raise InvalidRequest with every fault if it holds none."""
    try:
        return model.model_validate(content, context=limits)
    except ValidationError as error:
        raise InvalidRequest(
            [
                _fault(e["loc"], e["type"], e["msg"])
                for e in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from None


def _fault(loc: Iterable[int | str], kind: str, message: str) -> Fault:
    """Name a fault without repeating what the client sent; a field's name may be anything, too."""
    steps = list(loc)
    if kind == "extra_forbidden" and not _PLAIN_NAME.fullmatch(str(steps[-1])):
        pointer = "".join(f"/{step}" for step in steps[:-1])
        return Fault(pointer, "holds a field that the request does not have", kind)
    return Fault("".join(f"/{step}" for step in steps), _WORDING.get(kind, message), kind)
