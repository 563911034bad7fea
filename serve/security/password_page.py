"""/password: people choose their own password, in Chinese."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serve.security.accounts import LEAST_PASSWORD
from serve.security.forms import Form, sent_by
from serve.security.sessions import COOKIE, accounts_of, csrf_token_of, signed_in
from serve.store.people import User
from serve.templating import templates_in

router = APIRouter(prefix="/password", include_in_schema=False)

_templates = templates_in("templates")


@router.get("")
def show(request: Request, user: Annotated[User, Depends(signed_in())]) -> HTMLResponse:
    """Show the form."""
    return _page(request, user)


@router.post("")
def change(request: Request, user: Annotated[User, Depends(sent_by())], sent: Form) -> HTMLResponse:
    """Change the password; other browsers are signed out."""
    new = sent.get("new", "")
    if len(new) < LEAST_PASSWORD:
        return _page(request, user, f"新密码至少要 {LEAST_PASSWORD} 个字符。")
    if new != sent.get("again", ""):
        return _page(request, user, "两次输入的新密码不一样。")
    token = request.cookies.get(COOKIE, "")
    if not accounts_of(request).change_password(user.name, sent.get("old", ""), new, token=token):
        return _page(request, user, "原密码不对，或账号已锁定。连续输错会暂时锁定，请稍后再试。")
    return _page(request, user, done=True)


def _page(request: Request, user: User, fault: str = "", *, done: bool = False) -> HTMLResponse:
    page = _templates.get_template("security/password.html").render(
        user=user, csrf_token=csrf_token_of(request), fault=fault, done=done, least=LEAST_PASSWORD
    )
    return HTMLResponse(page, HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK)
