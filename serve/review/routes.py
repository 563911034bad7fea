"""The desk's addresses: /review and what its page sends. Answers are HTML, refusals Problems in Chinese."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.review.consult import Question
from serve.review.dependencies import REVIEWERS, Chosen, Operator, TheDesk, csrf_token_of
from serve.review.pages import next_ticket, render, whole_page
from serve.review.parts import Settlement
from serve.review.problems import NoSuchItem
from serve.security.audit import audit_ticket
from serve.store.decisions import StoredDecision
from serve.store.people import User
from serve.store.reviews import ReviewItem

router = APIRouter(prefix="/review", include_in_schema=False)


class HandOver(BaseModel):
    """Who gets the ticket: the name that the person signs in with."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(min_length=1, max_length=100)]


@router.get("")
def show(request: Request, desk: TheDesk, user: Operator, filters: Chosen, anew: bool = False) -> Response:
    """Show the desk with the next ticket on it; `anew` gives back the one before, which may not suit."""
    if anew:
        with desk.store.transaction() as session:
            desk.queue.give_back(session, user)
        query = request.url.remove_query_params("anew").query
        return RedirectResponse(f"/review?{query}", HTTPStatus.SEE_OTHER)
    return whole_page(request, desk, user, filters, csrf_token_of(request))


@router.get("/next")
def next_one(desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Answer with the ticket that the person holds, or the next."""
    return next_ticket(desk, user, filters)


@router.post("/items/{item_id}/settle")
def settle(item_id: int, sent: Settlement, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Settle a ticket; the next one is the answer."""
    desk.rulings.settle(user, item_id, sent)
    return next_ticket(desk, user, filters)


@router.post("/items/{item_id}/skip")
def skip(item_id: int, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Pass a ticket on to others; the next one is the answer."""
    desk.rulings.skip(user, item_id)
    return next_ticket(desk, user, filters)


@router.post("/skipped")
def look_again(desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Bring back what the person skipped."""
    desk.queue.forget_skips(user)
    return next_ticket(desk, user, filters)


@router.post("/items/{item_id}/take")
def take(item_id: int, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Take a certain ticket, found by a search."""
    desk.queue.take(user, item_id)
    return next_ticket(desk, user, filters)


@router.post("/items/{item_id}/renew", status_code=204)
def renew(item_id: int, desk: TheDesk, user: Operator) -> Response:
    """Keep a ticket while its page is open."""
    desk.queue.renew(user, item_id)
    return Response(status_code=204)


@router.post("/items/{item_id}/hand-over")
def hand_over(item_id: int, sent: HandOver, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Give a ticket to a colleague; the next one is the answer."""
    with desk.store.transaction() as session:
        to = session.scalars(select(User).where(User.name == sent.to, User.disabled_at.is_(None))).first()
    if to is None:
        raise NoSuchItem()
    desk.queue.hand_over(user, item_id, to)
    with desk.store.transaction() as session:
        item = session.get_one(ReviewItem, item_id)
        ticket_id = session.get_one(StoredDecision, item.decision_id).ticket_id
        audit_ticket(session, user, "review.hand-over", ticket_id, to=to.name)
    return next_ticket(desk, user, filters)


@router.post("/items/{item_id}/consult")
def ask(item_id: int, sent: Question, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Ask units about a ticket; the next one is the answer."""
    desk.consultations.open(user, item_id, sent)
    return next_ticket(desk, user, filters)


@router.post("/rulings/{ruling_id}/undo")
def undo(ruling_id: int, desk: TheDesk, user: Operator, filters: Chosen) -> HTMLResponse:
    """Take a ruling back; its ticket is the answer."""
    desk.rulings.undo(user, ruling_id)
    return next_ticket(desk, user, filters)


@router.get("/catalog.json")
def catalog(request: Request, desk: TheDesk, user: Operator) -> Response:
    """Answer with all units and places; 304 if the browser has them already."""
    index = desk.index()
    headers = {"ETag": index.etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == index.etag:
        return Response(status_code=304, headers=headers)
    return Response(index.body, headers=headers, media_type="application/json")


@router.get("/search")
def search(desk: TheDesk, user: Operator, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """List the tickets that a search finds."""
    words = q.strip()
    return render("found.html", found=desk.queue.search(words) if words else [], words=words)


@router.get("/colleagues")
def colleagues(desk: TheDesk, user: Operator) -> HTMLResponse:
    """List whom a ticket can be handed over to."""
    with desk.store.transaction() as session:
        people = session.scalars(
            select(User)
            .where(
                User.disabled_at.is_(None),
                User.id != user.id,
                User.role.in_(REVIEWERS),
            )
            .order_by(User.display_name)
        ).all()
    return render("colleagues.html", people=people)
