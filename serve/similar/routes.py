"""Similar past tickets: for callers at /v1/similar, for operators beside the ticket on their desk."""

from __future__ import annotations

from typing import cast

import orjson
from fastapi import APIRouter
from jinja2 import Template
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serve.api.requests import SimilarRequest, parse_body
from serve.api.routes import JSON, answers, body, check_media_type
from serve.errors import NotReady, SimilarOff
from serve.review.dependencies import Operator, TheDesk
from serve.security.admission import check_key
from serve.security.keys import Scope
from serve.service import read_body, service_of
from serve.similar.asking import SimilarQueries
from serve.similar.index import SimilarTicket
from serve.store.decisions import StoredDecision
from serve.store.reviews import ReviewItem
from serve.templating import templates_in

router = APIRouter()
_TEMPLATES = templates_in("templates")


@router.post(
    "/v1/similar",
    summary="Find past tickets that say much the same",
    response_class=Response,
    responses=answers("SimilarAnswer", 400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
    openapi_extra=body("SimilarRequest"),
)
async def similar(request: Request) -> Response:
    """Return up to three tickets that people settled, the closest first, and the units they went to."""
    service = service_of(request)
    await check_key(request, service, Scope.SCORE)
    check_media_type(request)
    sent = parse_body(SimilarRequest, await read_body(request, service), service.limits)
    queries = _queries(request)
    if queries is None:
        raise SimilarOff()
    try:
        found = await queries.nearest(sent.text, without=sent.ticket_id)
    except SQLAlchemyError:
        raise NotReady() from None
    return Response(orjson.dumps({"tickets": [_answer(ticket) for ticket in found]}), media_type=JSON)


@router.get("/review/items/{item_id}/similar", include_in_schema=False)
def beside(item_id: int, request: Request, desk: TheDesk, user: Operator) -> HTMLResponse:
    """Answer with the tickets like the one of an item; with nothing if there are none."""
    queries = _queries(request)
    found: list[SimilarTicket] = []
    if queries is not None:
        with desk.store.transaction() as session:
            item = session.get(ReviewItem, item_id)
            decision = session.get(StoredDecision, item.decision_id) if item is not None else None
        if decision is not None and decision.text is not None:
            found = queries.index.nearest(decision.text, without=decision.ticket_id)
    named = [(ticket, desk.name_of(ticket.unit)) for ticket in found]
    return HTMLResponse(beside_template().render(tickets=named))


def beside_template() -> Template:
    """Return the template of the tickets beside a ticket."""
    return _TEMPLATES.get_template("review/similar.html")


def _queries(request: Request) -> SimilarQueries | None:
    return cast(SimilarQueries | None, getattr(request.app.state, "similar", None))


def _answer(ticket: SimilarTicket) -> dict[str, str]:
    return {
        "ticket_id": ticket.ticket_id,
        "text": ticket.text,
        "unit": ticket.unit,
        "decided_at": ticket.decided_at.isoformat(),
    }
