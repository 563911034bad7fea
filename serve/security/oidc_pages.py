"""Signing in and out through the identity provider. Imported only where one is set."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serve.security.oidc import (
    PENDING_SECONDS,
    OidcProvider,
    OidcRefused,
    OidcUnavailable,
    OidcWithoutRole,
)
from serve.security.pages import home_of, local, sign_in_form
from serve.security.sessions import accounts_of, set_cookie
from serve.service import service_of

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/login/oidc", include_in_schema=False)

_COOKIE = "paidan_oidc"
_PATH = "/login/oidc"


@router.get("")
def begin(request: Request, next: str = "") -> Response:
    """Send the browser to the provider."""
    target = local(next)
    try:
        provider = _provider(request)
        address, pending = provider.begin(str(request.url_for("finish_oidc")), target)
    except OidcUnavailable:
        return _unavailable(request, target)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        _COOKIE,
        provider.seal(pending),
        max_age=PENDING_SECONDS,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.get("/callback", name="finish_oidc")
def finish(request: Request) -> Response:
    """Take what the provider says, and begin a session."""
    provider, accounts = _provider(request), accounts_of(request)
    target = local("")
    try:
        pending = provider.unseal(request.cookies.get(_COOKIE, ""))
        target = pending.target
        identity = provider.finish(pending, request.query_params)
    except OidcUnavailable:
        return _done(_unavailable(request, target))
    except OidcRefused as refused:
        log.warning("oidc_refused", why=str(refused))
        return _done(_told(request, target, "统一身份认证的答复无效或已过期，请重新登录。"))
    except OidcWithoutRole:
        log.warning("oidc_refused", why="no role")
        told = "您已通过统一身份认证，但还没有本系统的角色，请联系管理员。"
        return _done(_told(request, target, told, HTTPStatus.FORBIDDEN))
    found = accounts.sign_in_as(identity.name, identity.display_name, identity.role, by="oidc")
    if found is None:
        return _done(_told(request, target, "账号已停用，请联系管理员。", HTTPStatus.FORBIDDEN))
    response = RedirectResponse(home_of(found.user, target), HTTPStatus.SEE_OTHER)
    set_cookie(response, request, found.token, round(3600 * service_of(request).settings.session_hours))
    return _done(response)


@router.get("/out")
def sign_out(request: Request) -> Response:
    """Go on to the provider to sign out there, too; the session here has ended before."""
    try:
        address = _provider(request).end_session(str(request.url_for("login_page")))
    except OidcUnavailable:
        return _unavailable(request, local(""))
    return RedirectResponse(address or "/login", HTTPStatus.SEE_OTHER)


def _provider(request: Request) -> OidcProvider:
    return cast(OidcProvider, request.app.state.oidc)


def _unavailable(request: Request, target: str) -> Response:
    log.warning("oidc_unavailable")
    return _told(request, target, "统一身份认证没有答复，请稍后再试。", HTTPStatus.BAD_GATEWAY)


def _told(request: Request, target: str, told: str, status: HTTPStatus = HTTPStatus.UNAUTHORIZED) -> Response:
    return sign_in_form(request, target, told, status=status)


def _done(response: Response) -> Response:
    response.delete_cookie(_COOKIE, path=_PATH)
    return response
