"""/review/export: the reviewed tickets as a file, for leads, analysts and admins."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from serve.export.days import DaysError, period_of
from serve.export.reviewed import LeftOut, ReviewedTickets, Tally
from serve.export.writing import MEDIA_TYPES, write_rows
from serve.review.dependencies import TheDesk, csrf_token_of
from serve.review.desk import Desk
from serve.security.audit import actor_of, audit
from serve.security.roles import Role
from serve.security.sessions import signed_in
from serve.store.people import User
from serve.templating import templates_in

router = APIRouter(prefix="/review/export", include_in_schema=False)

Exporter = Annotated[User, Depends(signed_in(Role.LEAD, Role.ANALYST, Role.ADMIN))]
Kind = Literal["jsonl", "csv", "parquet", "xlsx"]

_templates = templates_in("templates")
_REASONS = {
    LeftOut.PURGED: "内容已按保存期限清除",
    LeftOut.RETURNED: "被退单，之后没有重新办结",
    LeftOut.DISPUTED: "两人意见不一，班长尚未裁定",
    LeftOut.NO_TEXT: "一单多诉，但没有划分原文",
}
_WRONG_DAYS = "日期不对：请填写如 2026-11-24 的日期，且结束日期不早于开始日期。"
_BUSY = "正在进行另一次导出或统计，请稍候再试。"

_reading = Lock()
"""Held by the one count or export that reads: several at once would take the desk's connections and time."""


@router.get("")
def show(request: Request, desk: TheDesk, user: Exporter, since: str = "", until: str = "") -> HTMLResponse:
    """Show the form; with days given, how many rows they hold."""
    try:
        reviewed = ReviewedTickets(desk.store, period_of(since, until), desk.name_of)
    except DaysError:
        return _page(request, desk, user, since, until, refused=HTTPStatus.BAD_REQUEST)
    if not (since or until):
        return _page(request, desk, user, since, until)
    if not _reading.acquire(blocking=False):
        return _page(request, desk, user, since, until, refused=HTTPStatus.TOO_MANY_REQUESTS)
    try:
        for _ in reviewed.rows():
            pass
    finally:
        _reading.release()
    return _page(request, desk, user, since, until, tally=reviewed.tally)


@router.get("/file")
def download(
    request: Request, desk: TheDesk, user: Exporter, kind: Kind = "xlsx", since: str = "", until: str = ""
) -> Response:
    """Answer with the file; who took what is in the audit log."""
    try:
        period = period_of(since, until)
    except DaysError:
        return _page(request, desk, user, since, until, refused=HTTPStatus.BAD_REQUEST)
    if not _reading.acquire(blocking=False):
        return _page(request, desk, user, since, until, refused=HTTPStatus.TOO_MANY_REQUESTS)
    try:
        reviewed = ReviewedTickets(desk.store, period, desk.name_of)
        folder = tempfile.TemporaryDirectory(prefix="paidan-export-")
        path = Path(folder.name) / f"reviewed.{kind}"
        try:
            write_rows(reviewed.rows(), path)
            with desk.store.transaction() as session:
                audit(
                    session,
                    actor_of(user),
                    "export.reviewed",
                    kind=kind,
                    since=since or None,
                    until=until or None,
                    rows=reviewed.tally.rows,
                )
        except BaseException:
            folder.cleanup()
            raise
    finally:
        _reading.release()
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[path.suffix],
        filename=path.name,
        background=BackgroundTask(folder.cleanup),
    )


def _page(
    request: Request,
    desk: Desk,
    user: User,
    since: str,
    until: str,
    *,
    tally: Tally | None = None,
    refused: HTTPStatus | None = None,
) -> HTMLResponse:
    wrong_days = refused is HTTPStatus.BAD_REQUEST
    page = _templates.get_template("export/page.html").render(
        user=user,
        city=desk.catalog().city,
        csrf_token=csrf_token_of(request),
        since=since[:10],
        until=until[:10],
        told="" if refused is None else _WRONG_DAYS if wrong_days else _BUSY,
        wrong_days=wrong_days,
        tally=tally,
        left_out=[(_REASONS[reason], count) for reason, count in sorted(tally.left_out.items())]
        if tally
        else [],
    )
    return HTMLResponse(page, refused or HTTPStatus.OK)
