"""`POST /v1/feedback`: what became of a ticket."""

from __future__ import annotations

import asyncio

import orjson
from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from serve.api.requests import FeedbackRequest, parse_body
from serve.api.routes import JSON, answers, body, check_media_type
from serve.errors import NotReady
from serve.feedback.events import Event, record
from serve.feedback.outcome import outcome
from serve.security.admission import check_key
from serve.security.keys import Scope
from serve.service import read_body, service_of
from serve.store.engine import Store

router = APIRouter()


@router.post(
    "/v1/feedback",
    summary="Report what became of a ticket",
    response_class=Response,
    responses=answers("OutcomeAnswer", 400, 401, 403, 408, 409, 413, 415, 422, 500, 503),
    openapi_extra=body("FeedbackRequest"),
)
async def feedback(request: Request) -> Response:
    """Keep an event, once for each event_id and in whatever order they come; say what is known by now."""
    service = service_of(request)
    await check_key(request, service, Scope.FEEDBACK)
    check_media_type(request)
    sent = parse_body(FeedbackRequest, await read_body(request, service), service.limits)
    if service.store is None:
        raise NotReady()
    try:
        return Response(await asyncio.to_thread(_keep, service.store, sent), media_type=JSON)
    except SQLAlchemyError:  # the event is the caller's to send again
        raise NotReady() from None


def _keep(store: Store, sent: FeedbackRequest) -> bytes:
    moment = sent.happened_at if sent.happened_at.tzinfo else sent.happened_at.astimezone()
    record(store, Event(sent.event_id, sent.ticket_id, sent.kind, sent.unit, sent.reason, moment))
    known = outcome(store, sent.ticket_id)
    return orjson.dumps(
        {
            "ticket_id": sent.ticket_id,
            "model": known.model,
            "operator": known.operator,
            "held": known.held,
            "returned": sorted(known.returned),
        }
    )
