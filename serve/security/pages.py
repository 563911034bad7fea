"""Signing in and out, in Chinese."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.security.sessions import COOKIE, accounts_of, set_cookie
from serve.service import read_body, service_of
from serve.templating import templates_in

router = APIRouter(include_in_schema=False)

_HOME = "/review"
_templates = templates_in("templates")


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Show the form."""
    accounts_of(request)
    return _form(_local(request.query_params.get("next", "")))


@router.post("/login")
async def login(request: Request) -> Response:
    """Check name and password; go where the person wanted to."""
    accounts = accounts_of(request)
    service = service_of(request)
    # Another site's form could sign somebody in under an account of its choice.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _form(_HOME, "请从本站的登录页登录。", status=HTTPStatus.FORBIDDEN)
    sent = dict(parse_qsl((await read_body(request, service)).decode("utf-8", "replace")))
    target = _local(sent.get("next", ""))
    found = await asyncio.to_thread(accounts.sign_in, sent.get("name", ""), sent.get("password", ""))
    if found is None:
        told = "用户名或密码不对，或账号已锁定。连续输错会暂时锁定，请稍后再试或联系管理员。"
        return _form(target, told, name=sent.get("name", "")[:100], status=HTTPStatus.UNAUTHORIZED)
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    set_cookie(response, request, found.token, round(3600 * service.settings.session_hours))
    return response


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session; a link from elsewhere cannot, since the cookie is not sent along."""
    token = request.cookies.get(COOKIE)
    if token:
        await asyncio.to_thread(accounts_of(request).sign_out, token)
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


def _local(target: str) -> str:
    """Return a path of ours, never another site's address."""
    if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return _HOME


def _form(target: str, told: str = "", *, name: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    page = _templates.get_template("security/login.html").render(target=target, told=told, name=name)
    return HTMLResponse(page, status)
