"""The page at `/`: a form, and the answer below it.

It is rendered here, so that spans count as Python counts them and everything is escaped in one place; it
works without its script, which only spares the reload.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serve.api.requests import TicketRequest, validate
from serve.errors import Problem
from serve.page.examples import Example, examples_for
from serve.page.view import AnswerView
from serve.page.words import faults_in_chinese
from serve.presence import while_connected
from serve.security.admission import check_visitor
from serve.security.sessions import visitor_of
from serve.service import Service, read_body, service_of
from serve.templating import templates_in

router = APIRouter(include_in_schema=False)

_FIELDS = ("text", "title", "address", "district")
_BLANK: dict[str, str] = dict.fromkeys(_FIELDS, "")

_templates = templates_in("templates")

_examples = lru_cache(examples_for)


@router.get("/")
async def show(request: Request) -> HTMLResponse:
    """Show the empty form, or one filled with an example (`?example=2`)."""
    service = service_of(request)
    await check_visitor(request, service)
    examples = _examples(_city(service))
    chosen = request.query_params.get("example", "")
    index = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 3 else None
    filled = _BLANK
    if index is not None and index < len(examples):
        filled = {name: getattr(examples[index], name) for name in _FIELDS}
    return await _page(request, examples, filled)


@router.post("/")
async def answer(request: Request) -> HTMLResponse:
    """Score what the form holds; answer the whole page, or only the answer if the script asks for it."""
    service = service_of(request)
    await check_visitor(request, service)
    filled, status = _BLANK, HTTPStatus.OK
    context: dict[str, Any]
    try:
        filled = _form(await read_body(request, service))
        ticket_id = f"page-{request.scope['request_id'][:8]}"
        content = {"ticket_id": ticket_id, **{name: value for name, value in filled.items() if value}}
        ticket = validate(TicketRequest, content, service.limits).to_ticket()
        decision = await while_connected(
            request.receive, service.batcher.score(ticket, service.settings.top_k)
        )
        context = {"answer": AnswerView.from_decision(decision, ticket.text)}
    except Problem as problem:
        context, status = {"faults": faults_in_chinese(problem)}, problem.status
    if request.headers.get("x-fragment"):
        return HTMLResponse(_templates.get_template("answer.html").render(context), status)
    return await _page(request, _examples(_city(service)), filled, context, status)


async def _page(
    request: Request,
    examples: tuple[Example, ...],
    filled: dict[str, str],
    context: dict[str, Any] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HTMLResponse:
    service = service_of(request)
    html = _templates.get_template("page.html").render(
        user=await asyncio.to_thread(visitor_of, request),
        may_sign_in=service.store is not None,
        city=_city(service),
        examples=examples,
        filled=filled,
        versions=service.scorer.versions,
        release=version("paidan"),
        max_length=service.limits.text_length,
        **(context or {}),
    )
    return HTMLResponse(html, status)


def _form(body: bytes) -> dict[str, str]:
    """Read an urlencoded form; fields that it does not have are blank."""
    pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, errors="replace")
    given = dict(pairs)
    return {name: given.get(name, "").replace("\r\n", "\n").strip() for name in _FIELDS}


def _city(service: Service) -> str | None:
    city: str | None = getattr(getattr(service.scorer, "catalog", None), "city", None)
    return city
