"""The addresses of the analyst's page: /models and what it asks for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from model.errors import ArtifactError
from model.policy_trial import ANSWERS, PastAnswers, Promise, write_with_policy
from model.promotion import closed_gates
from model.registry import Registry
from serve.analyst.dependencies import (
    Analyst,
    ChangeRefused,
    NoRegistry,
    NothingThere,
    Reader,
    TheRegistry,
    registry_of,
)
from serve.analyst.listing import REPORT, in_chinese
from serve.analyst.pages import models_part, page_without_registry, simulation_part, whole_page
from serve.analyst.simulation import TooFewAnswersError, simulate
from serve.lead.dependencies import TheLeadDesk
from serve.security.audit import actor_of, audit
from serve.security.sessions import csrf_token_of
from serve.store.engine import Store
from serve.store.people import User

router = APIRouter(prefix="/models", include_in_schema=False)

# A report is one file that draws itself: it may run what it holds, and reach nothing else.
_REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'none'"
)

Share = Annotated[float, Query(ge=0.5, le=0.999)]
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class Change(BaseModel):
    """Why something is changed; `overrule` closed gates."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    overrule: bool = False


class NewPolicy(BaseModel):
    """The promise of a policy to keep, and why."""

    model_config = ConfigDict(extra="forbid")

    precision: Annotated[float, Field(ge=0.5, le=0.999)]
    preselect: Annotated[float, Field(ge=0.5, le=0.999)]
    confidence: Annotated[float, Field(ge=0.5, le=0.999)]
    reason: Reason


@router.get("")
def show(request: Request, desk: TheLeadDesk, user: Reader) -> HTMLResponse:
    """Show the models, which serves, and what was measured of them."""
    token = csrf_token_of(request)
    try:
        return whole_page(registry_of(request), desk, user, token)
    except NoRegistry as none:
        return page_without_registry(none, desk, user, token)


@router.get("/{name}/report")
def report(name: str, registry: TheRegistry, user: Reader) -> Response:
    """Answer with an entry's report."""
    path = registry.reports(_entry_name(registry, name)) / REPORT
    if not path.is_file():
        raise NothingThere()
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": _REPORT_POLICY})


@router.get("/{name}/policy")
def policy(
    name: str,
    registry: TheRegistry,
    user: Reader,
    precision: Share,
    preselect: Share,
    confidence: Share,
    seconds: Annotated[float, Query(ge=1, le=3600)],
) -> HTMLResponse:
    """Answer with what a promise would mean; nothing is saved."""
    answers = _answers(registry, name)
    try:
        found = simulate(answers, Promise(precision, preselect, confidence), seconds)
    except TooFewAnswersError as error:
        raise ChangeRefused(f"报告里的工单太少（{len(answers)} 件），不能试算。") from error
    return simulation_part(found)


@router.post("/{name}/policy")
def keep_policy(
    name: str, sent: NewPolicy, registry: TheRegistry, desk: TheLeadDesk, user: Analyst
) -> HTMLResponse:
    """Put a copy of an entry with another policy into the registry; it does not serve yet."""
    answers = _answers(registry, name)
    promise = Promise(sent.precision, sent.preselect, sent.confidence)
    source = registry.entry(name)
    with _or_refuse("没有存下"), tempfile.TemporaryDirectory(dir=registry.root, prefix=".policy-") as scratch:
        copy = Path(scratch) / "artifact"
        write_with_policy(
            source.folder, answers.fit(promise), copy, {"tickets": len(answers)} | asdict(promise)
        )
        made = registry.add(copy)
    _audit(desk.store, user, "model.policy", made.name, source=source.name, reason=sent.reason)
    return models_part(registry, desk, user)


@router.post("/{name}/promote")
def promote(name: str, sent: Change, registry: TheRegistry, desk: TheLeadDesk, user: Analyst) -> HTMLResponse:
    """Let an entry serve; closed gates refuse it unless overruled."""
    name = _entry_name(registry, name)
    with _or_refuse("没有启用"):
        closed = closed_gates(registry, name)
        if closed and not sent.overrule:
            reasons = "；".join(map(in_chinese, closed))
            raise ChangeRefused(f"没有启用：{reasons}。请看对比报告，或说明理由后强制启用。")
        registry.promote(name, by=user.name, reason=sent.reason, overruled=closed)
    _audit(desk.store, user, "model.promote", name, reason=sent.reason, overruled=list(closed))
    return models_part(registry, desk, user)


@router.post("/rollback")
def rollback(sent: Change, registry: TheRegistry, desk: TheLeadDesk, user: Analyst) -> HTMLResponse:
    """Let the entry serve that served before."""
    with _or_refuse("没有回退"):
        change = registry.rollback(by=user.name, reason=sent.reason)
    _audit(desk.store, user, "model.rollback", change.name, reason=sent.reason)
    return models_part(registry, desk, user)


@router.post("/{name}/shadow")
def begin_shadow(
    name: str, sent: Change, registry: TheRegistry, desk: TheLeadDesk, user: Analyst
) -> HTMLResponse:
    """Let an entry score live tickets unseen."""
    name = _entry_name(registry, name)
    with _or_refuse("没有开始旁路"):
        registry.begin_shadow(name)
    _audit(desk.store, user, "model.shadow", name, reason=sent.reason)
    return models_part(registry, desk, user)


@router.post("/shadow/end")
def end_shadow(sent: Change, registry: TheRegistry, desk: TheLeadDesk, user: Analyst) -> HTMLResponse:
    """Let no entry score unseen any more."""
    with _or_refuse("没有结束旁路"):
        registry.end_shadow()
    _audit(desk.store, user, "model.shadow.end", None, reason=sent.reason)
    return models_part(registry, desk, user)


def _entry_name(registry: Registry, name: str) -> str:
    """Return the name of an entry; a name from an address must be a whole one."""
    if name not in {entry.name for entry in registry.entries()}:
        raise NothingThere()
    return name


def _answers(registry: Registry, name: str) -> PastAnswers:
    path = registry.reports(_entry_name(registry, name)) / ANSWERS
    if not path.is_file():
        raise NothingThere()
    with _or_refuse("不能试算"):
        return PastAnswers.load(path)


@contextmanager
def _or_refuse(what: str) -> Iterator[None]:
    """Tell in Chinese what did not happen, if the registry cannot be read or written."""
    try:
        yield
    except ArtifactError as error:
        raise ChangeRefused(f"{what}：模型库里的文件不完整或已损坏（{error.what}）。") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ChangeRefused(f"{what}：服务不能读写模型库（{reason}），请用命令行操作。") from error


def _audit(store: Store, user: User, action: str, name: str | None, **details: object) -> None:
    with store.transaction() as session:
        audit(session, actor_of(user), action, f"model:{name}" if name else None, **details)
