"""Signing in and out, in Chinese."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.security.forms import sent_form
from serve.security.roles import Role
from serve.security.sessions import COOKIE, accounts_of, set_cookie
from serve.security.sign_in_limit import SignInLimit
from serve.service import service_of
from serve.store.people import User
from serve.templating import templates_in

router = APIRouter(include_in_schema=False)

_HOME = "/review"
_templates = templates_in("templates")


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Show the form."""
    accounts_of(request)
    return sign_in_form(request, local(request.query_params.get("next", "")))


@router.post("/login")
async def login(request: Request) -> Response:
    """Check name and password; go where the person wanted to."""
    accounts = accounts_of(request)
    service = service_of(request)
    # Another site's form could sign somebody in under an account of its choice.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return sign_in_form(request, _HOME, "请从本站的登录页登录。", status=HTTPStatus.FORBIDDEN)
    sent = await sent_form(request)
    target = local(sent.get("next", ""))
    limit, address = _limit_of(request), request.client.host if request.client else ""
    if limit is not None and not limit.enter(address):
        told = "从本网络登录失败的次数过多，请一分钟后再试。"
        response = sign_in_form(request, target, told, status=HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(limit.wait_seconds())
        return response
    found = await asyncio.to_thread(accounts.sign_in, sent.get("name", ""), sent.get("password", ""))
    if found is None:
        told = "用户名或密码不对，或账号已锁定。连续输错会暂时锁定，请稍后再试或联系管理员。"
        return sign_in_form(
            request, target, told, name=sent.get("name", "")[:100], status=HTTPStatus.UNAUTHORIZED
        )
    if limit is not None:
        limit.succeeded(address)
    redirect = RedirectResponse(home_of(found.user, target), HTTPStatus.SEE_OTHER)
    set_cookie(redirect, request, found.token, round(3600 * service.settings.session_hours))
    return redirect


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session; a link from elsewhere cannot, since the cookie is not sent along."""
    token = request.cookies.get(COOKIE)
    if token:
        await asyncio.to_thread(accounts_of(request).sign_out, token)
    provider = getattr(request.app.state, "oidc", None) is not None
    response = RedirectResponse("/login?out" if provider else "/login", HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


def _limit_of(request: Request) -> SignInLimit | None:
    return cast(SignInLimit | None, getattr(request.app.state, "sign_in_limit", None))


def local(target: str) -> str:
    """Return a path of ours, never another site's address."""
    if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return _HOME


def home_of(user: User, target: str) -> str:
    """Return where a person goes after signing in; analysts, who settle nothing, to the figures."""
    return "/desk" if target == _HOME and user.role == Role.ANALYST else target


def sign_in_form(
    request: Request, target: str, told: str = "", *, name: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Answer with the form that signs in, and says what went wrong before."""
    page = _templates.get_template("security/login.html").render(
        target=target,
        told=told,
        name=name,
        provider=getattr(request.app.state, "oidc", None) is not None,
        left="out" in request.query_params,
    )
    return HTMLResponse(page, status)
