"""The addresses of the lead's page: /desk and what it asks for."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serve.lead.charts import chart_data
from serve.lead.dependencies import Chosen, Lead, Reader, TheLeadDesk
from serve.lead.pages import figures_part, stops_part, whole_page
from serve.review.parts import Code
from serve.security.sessions import csrf_token_of

router = APIRouter(prefix="/desk", include_in_schema=False)


class Throw(BaseModel):
    """Which unit the switch is for, None being all, and why it is thrown."""

    model_config = ConfigDict(extra="forbid")

    unit: Code | None
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.get("")
def show(request: Request, desk: TheLeadDesk, user: Reader, window: Chosen) -> HTMLResponse:
    """Show the page."""
    return whole_page(desk, user, window, csrf_token_of(request))


@router.get("/figures")
def figures(desk: TheLeadDesk, user: Reader, window: Chosen) -> HTMLResponse:
    """Answer with the figures alone, as the page asks for them again."""
    return figures_part(desk, user, window)


@router.get("/charts.json")
def charts(desk: TheLeadDesk, user: Reader, window: Chosen) -> Response:
    """Answer with the numbers of the charts."""
    data = chart_data(desk.figures.get(desk.catalog(), window), desk.promise())
    return Response(orjson.dumps(data), media_type="application/json")


@router.post("/stops")
def stop(sent: Throw, desk: TheLeadDesk, user: Lead) -> HTMLResponse:
    """Stop `auto` for a unit, or for all."""
    desk.stops.stop(user, sent.unit, sent.reason.strip())
    return stops_part(desk)


@router.post("/stops/lift")
def lift(sent: Throw, desk: TheLeadDesk, user: Lead) -> HTMLResponse:
    """Let `auto` run again."""
    desk.stops.lift(user, sent.unit, sent.reason.strip())
    return stops_part(desk)
