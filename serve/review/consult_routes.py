"""The page of open consultations (会商)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serve.review.dependencies import Operator, TheDesk, csrf_token_of
from serve.review.pages import render
from serve.review.parts import Settlement

router = APIRouter(prefix="/review/consult", include_in_schema=False)


class UnitAnswer(BaseModel):
    """What a unit said when it was asked."""

    model_config = ConfigDict(extra="forbid")

    responsible: bool
    answer: Annotated[str, Field(max_length=2000)] = ""


class Closing(BaseModel):
    """The ruling, and why."""

    model_config = ConfigDict(extra="forbid")

    settlement: Settlement
    reasoning: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]


@router.get("")
def show(request: Request, desk: TheDesk, user: Operator) -> HTMLResponse:
    """Show the open consultations."""
    return render(
        "consult.html",
        user=user,
        city=desk.catalog().city,
        csrf_token=csrf_token_of(request),
        consultations=desk.consultations.waiting(),
    )


@router.get("/list")
def listed(desk: TheDesk, user: Operator) -> HTMLResponse:
    """Answer with the list alone."""
    return render("consultations.html", consultations=desk.consultations.waiting())


@router.post("/answers/{answer_id}")
def record(answer_id: int, sent: UnitAnswer, desk: TheDesk, user: Operator) -> HTMLResponse:
    """Keep what a unit said."""
    desk.consultations.record(user, answer_id, sent.responsible, sent.answer)
    return render("consultations.html", consultations=desk.consultations.waiting())


@router.post("/{consultation_id}/close")
def close(consultation_id: int, sent: Closing, desk: TheDesk, user: Operator) -> HTMLResponse:
    """Rule on a consultation."""
    desk.consultations.close(user, consultation_id, sent.settlement, sent.reasoning)
    return render("consultations.html", consultations=desk.consultations.waiting())
