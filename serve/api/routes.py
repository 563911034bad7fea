"""The addresses of the JSON API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serve.api.answers import VersionAnswer, batch_bytes, decision_bytes
from serve.api.deadline import PARAMETER, deadline_of
from serve.api.requests import BatchRequest, TicketRequest, parse_body
from serve.errors import PROBLEM_JSON, UnsupportedMedia
from serve.presence import while_connected
from serve.security.admission import check_key
from serve.security.keys import Scope
from serve.service import read_body, service_of

router = APIRouter()

JSON = "application/json"

_PROBLEMS = {
    400: "The body is not JSON in UTF-8.",
    401: "No valid API key, where the service asks for one.",
    403: "The API key is not for this.",
    404: "Similar tickets are switched off.",
    408: "The body did not arrive in time.",
    409: "The event was reported before, with other content.",
    413: "The body is over the limit.",
    415: "The body is not declared as application/json.",
    422: "The body is JSON, but not what the endpoint takes; `errors` names every fault.",
    429: "Too many tickets are waiting; `Retry-After` says when there should be room.",
    500: "Scoring failed; `instance` names the request in the service's log.",
    503: "The service is starting or stopping.",
    504: "No decision in time, and the artifact has no rules to fall back on.",
}

_OF_SCORING = [status for status in _PROBLEMS if status not in {404, 409}]


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def body(name: str) -> dict[str, Any]:
    """Describe what a request holds."""
    return {"requestBody": {"required": True, "content": {JSON: _schema(name)}}}


def answers(name: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe a success, and the errors that may take its place."""
    described: dict[int | str, dict[str, Any]] = {
        200: {"description": "The answer.", "content": {JSON: _schema(name)}}
    }
    for status in statuses:
        described[status] = {
            "description": _PROBLEMS[status],
            "content": {PROBLEM_JSON: _schema("ProblemAnswer")},
        }
        if status == 429:
            described[status]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
            }
    return described


def check_media_type(request: Request) -> None:
    """Raise UnsupportedMedia unless the body is declared as JSON."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != JSON:
        raise UnsupportedMedia()


@router.post(
    "/v1/score",
    summary="Dispatch one ticket",
    response_class=Response,
    responses=answers("DecisionAnswer", *_OF_SCORING),
    openapi_extra=body("TicketRequest") | {"parameters": [PARAMETER]},
)
async def score(request: Request) -> Response:
    """Say which unit should act on a ticket, where it belongs, and how sure that is."""
    service = service_of(request)
    await check_key(request, service, Scope.SCORE)
    check_media_type(request)
    seconds = deadline_of(request, service.settings.deadline_seconds)
    ticket = parse_body(TicketRequest, await read_body(request, service), service.limits)
    decision = await while_connected(
        request.receive, service.batcher.score(ticket.to_ticket(), service.top_k(ticket), seconds)
    )
    return Response(decision_bytes(decision), media_type=JSON)


@router.post(
    "/v1/score/batch",
    summary="Dispatch several tickets",
    response_class=Response,
    responses=answers("BatchAnswer", *_OF_SCORING),
    openapi_extra=body("BatchRequest") | {"parameters": [PARAMETER]},
)
async def score_batch(request: Request) -> Response:
    """Answer several tickets in their order; one that cannot be used refuses the whole call, naming it."""
    service = service_of(request)
    await check_key(request, service, Scope.SCORE)
    check_media_type(request)
    seconds = deadline_of(request, service.settings.deadline_seconds)
    batch = parse_body(BatchRequest, await read_body(request, service), service.limits)
    requests = [(ticket.to_ticket(), service.top_k(ticket)) for ticket in batch.tickets]
    decisions = await while_connected(request.receive, service.batcher.score_many(requests, seconds))
    return Response(batch_bytes(decisions), media_type=JSON)


@router.get(
    "/healthz", summary="Is the process alive?", responses=answers("StatusAnswer"), response_class=Response
)
async def healthz() -> Response:
    """Answer as long as the process runs, ready or not."""
    return Response(b'{"status":"ok"}', media_type=JSON)


@router.get(
    "/readyz",
    summary="Does it score tickets?",
    responses=answers("StatusAnswer", 503),
    response_class=Response,
)
async def readyz(request: Request) -> Response:
    """Answer 200 once the model is loaded and warm, and 503 before that and while it stops."""
    service_of(request)
    return Response(b'{"status":"ready"}', media_type=JSON)


@router.get(
    "/version", summary="What answers?", responses=answers("VersionAnswer", 503), response_class=Response
)
async def versions(request: Request) -> Response:
    """Name the release of the service and the content hashes of what it serves."""
    loaded = service_of(request).scorer.versions
    answer = VersionAnswer(
        service=version("paidan"), model=loaded.model, catalog=loaded.catalog, policy=loaded.policy
    )
    return Response(answer.model_dump_json(), media_type=JSON)
