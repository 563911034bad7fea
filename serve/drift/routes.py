"""The addresses of the drift page: /drift and what it asks for."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serve.analyst.dependencies import ANALYSTS, Analyst, Reader
from serve.drift.keeping import PAUSE, REFERENCE_WEEKS, WEEKS, DriftKeeper, State, week_label
from serve.insight.digest import catalog_names
from serve.insight.drift import LARGE
from serve.insight.period import CITY_TIME
from serve.lead.dependencies import LeadDesk, TheLeadDesk
from serve.lead.pages import percent
from serve.review.problems import DeskProblem
from serve.security.sessions import csrf_token_of
from serve.store.people import User
from serve.templating import templates_in

router = APIRouter(prefix="/drift", include_in_schema=False)

_templates = templates_in("templates")
_templates.filters |= {"percent": percent, "week": week_label}


class NoDrift(DeskProblem):
    """What answers cannot compare texts."""

    status = HTTPStatus.NOT_FOUND
    slug = "review-no-drift"
    title = "Drift cannot be computed"

    def __init__(self) -> None:
        super().__init__("正在使用的模型不能比较文本，无法计算漂移。")


def keeper_of(request: Request) -> DriftKeeper:
    """Return what keeps the drift; raise NoDrift without one."""
    keeper = cast(DriftKeeper | None, getattr(request.app.state, "drift", None))
    if keeper is None:
        raise NoDrift()
    return keeper


TheDrift = Annotated[DriftKeeper, Depends(keeper_of)]


@router.get("")
def show(request: Request, desk: TheLeadDesk, drift: TheDrift, user: Reader) -> HTMLResponse:
    """Show what was last found."""
    page = {"csrf_token": csrf_token_of(request), "city": desk.catalog().city}
    return _render("page.html", page | _found(desk, drift, user))


@router.get("/found")
def found(desk: TheLeadDesk, drift: TheDrift, user: Reader) -> HTMLResponse:
    """Answer with the figures alone, as the page asks for them while they are computed."""
    return _render("found.html", _found(desk, drift, user))


@router.post("/compute")
def compute(desk: TheLeadDesk, drift: TheDrift, user: Analyst) -> HTMLResponse:
    """Begin to compute, and answer with the figures as they are."""
    drift.start()
    return _render("found.html", _found(desk, drift, user))


def _found(desk: LeadDesk, drift: DriftKeeper, user: User) -> dict[str, object]:
    kept, state = drift.kept, drift.state
    return {
        "user": user,
        "kept": kept,
        "at": f"{kept.at.astimezone(CITY_TIME):%Y-%m-%d %H:%M}" if kept else "",
        "again_at": f"{(kept.at + PAUSE).astimezone(CITY_TIME):%H:%M}" if kept else "",
        "state": state,
        "may_compute": user.role in ANALYSTS and state in (State.IDLE, State.FAILED),
        "names": catalog_names(desk.catalog()),
        "large": LARGE,
        "weeks": WEEKS,
        "reference_weeks": REFERENCE_WEEKS,
    }


def _render(template: str, context: dict[str, object]) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(f"drift/{template}").render(context))
