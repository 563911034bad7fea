"""Every way in which the service says no, as RFC 9457 problem details."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from data.errors import PaidanError

PROBLEM_JSON = "application/problem+json"
MAX_FAULTS = 100
"""Most faults that one answer lists."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request.

    `pointer` is a JSON pointer (RFC 6901) into the body, "" the body as a whole. `code` names the kind of
    fault for our own pages; it is not sent.
    """

    pointer: str
    detail: str
    code: str


class FaultAnswer(BaseModel):
    """One thing wrong with a request, and where."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pointer": "/text", "detail": "no readable text"}]}
    )

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the request body; empty for the body as a whole."
    )
    detail: str


class ProblemAnswer(BaseModel):
    """An error (RFC 9457). It never holds anything of the ticket's content."""

    type: str = Field(description="Names the kind of error; `about:blank` if the status says it all.")
    title: str
    status: int
    detail: str = Field(description="What was wrong, and the way out.")
    instance: str | None = Field(
        default=None, description="Names the request in the service's log. Not an address to fetch."
    )
    errors: list[FaultAnswer]


class Problem(PaidanError):
    """An answer other than success."""

    status: ClassVar[HTTPStatus]
    slug: ClassVar[str]
    title: ClassVar[str]

    faults: Sequence[Fault] = ()

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to the answer."""
        return {}

    def document(self, request_id: str | None = None) -> dict[str, object]:
        """Return the problem+json object; it names the request, for whoever reads the log."""
        return problem_document(
            f"urn:problem-type:paidan:{self.slug}",
            self.title,
            self.status,
            self.render(),
            faults=self.faults,
            request_id=request_id,
        )


class InvalidRequest(Problem):
    """The body is JSON, but not what the endpoint takes."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-request"
    title = "The request cannot be used"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults[:MAX_FAULTS])
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{count} in the request", fix="`errors` says where.")


class MalformedBody(Problem):
    """The body is not JSON in UTF-8."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-body"
    title = "The body is not JSON"

    def __init__(self, byte: int | None = None) -> None:
        place = f" near character {byte}" if byte is not None else ""
        super().__init__(f"the body cannot be read as JSON{place}", expected="one JSON object, in UTF-8")


class UnsupportedMedia(Problem):
    """The body is declared to be something else than JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    title = "The body is not declared as JSON"

    def __init__(self) -> None:
        super().__init__("the Content-Type is not supported", expected="Content-Type: application/json")


class BodyTooLarge(Problem):
    """The body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    slug = "body-too-large"
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over {limit} bytes", fix="Send fewer tickets in one call.")


class BodyTooSlow(Problem):
    """The client did not send its request in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    slug = "body-too-slow"
    title = "The body did not arrive in time"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not arrive within {seconds:g} seconds", fix="Send the request again.")

    def headers(self) -> dict[str, str]:
        """Close the connection: what still comes in on it is of no use."""
        return {"Connection": "close"}


class QueueFull(Problem):
    """More is waiting than the service can answer in time."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "queue-full"
    title = "Too many tickets are waiting"

    def __init__(self, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__("the queue is full", fix=f"Try again in {self.retry_after} s.")

    def headers(self) -> dict[str, str]:
        """Say when there should be room."""
        return {"Retry-After": str(self.retry_after)}


class ScoringFailed(Problem):
    """The model raised, or did not give one decision a ticket."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "scoring-failed"
    title = "Scoring failed"

    def __init__(self) -> None:
        super().__init__(
            "the tickets scored together with this one failed", fix="Send it again, or tell the operator."
        )


class InternalError(Problem):
    """Something of ours broke."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "internal-error"
    title = "Something went wrong in the service"

    def __init__(self) -> None:
        super().__init__(
            "the service could not answer", fix="Tell the operator the `instance`: it is in the log."
        )


class SimilarOff(Problem):
    """Similar tickets are not looked for here."""

    status = HTTPStatus.NOT_FOUND
    slug = "similar-off"
    title = "Similar tickets are switched off"

    def __init__(self) -> None:
        super().__init__(
            "this service keeps no past tickets at hand",
            fix="It needs a database, and the setting similar_tickets above 0.",
        )


class NotReady(Problem):
    """The service is starting or stopping."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "not-ready"
    title = "The service is starting or stopping"

    def __init__(self) -> None:
        super().__init__("tickets are not scored at the moment", fix="Try again in 5 s.")

    def headers(self) -> dict[str, str]:
        """Say when to try again."""
        return {"Retry-After": "5"}


class DeadlinePassed(Problem):
    """The ticket waited too long, and the artifact has no rules to fall back on."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    slug = "deadline-passed"
    title = "The ticket was not scored in time"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no decision within {seconds:g} seconds", fix="Try again later.")


def problem_document(
    type_: str,
    title: str,
    status: int,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    request_id: str | None = None,
) -> dict[str, object]:
    """Return a problem+json object: the only place that knows its shape."""
    return {
        "type": type_,
        "title": title,
        "status": int(status),
        "detail": detail,
        **({"instance": f"/requests/{request_id}"} if request_id else {}),
        "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults],
    }


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Return the answer that a problem becomes, and note its name in the request's scope for the log."""
    scope["problem"] = problem.slug
    body = orjson.dumps(problem.document(scope.get("request_id")))
    return Response(body, problem.status, headers=problem.headers(), media_type=PROBLEM_JSON)


async def handle_problem(request: Request, error: Exception) -> Response:
    """Answer a Problem that a route raised."""
    assert isinstance(error, Problem)
    return problem_response(error, request.scope)


async def handle_invalid_request(request: Request, error: Exception) -> Response:
    """Answer a body that FastAPI refused, on the pages that let it: name its faults, repeat nothing."""
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault("".join(f"/{step}" for step in fault["loc"][1:]), fault["msg"], fault["type"])
        for fault in error.errors()
    ]
    return problem_response(InvalidRequest(faults), request.scope)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: unknown path, wrong method."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; the API is described at /openapi.json.",
        HTTPStatus.METHOD_NOT_ALLOWED: "the address does not take this method; `Allow` says which it takes.",
    }
    detail = details.get(HTTPStatus(error.status_code), f"{phrase}.")
    request_id = request.scope.get("request_id")
    body = orjson.dumps(
        problem_document("about:blank", phrase, error.status_code, detail, request_id=request_id)
    )
    return Response(body, error.status_code, headers=error.headers, media_type=PROBLEM_JSON)
