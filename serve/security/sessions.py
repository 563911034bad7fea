"""What routes ask of a person's session: who is it, may they, and did their own page send this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hmac import compare_digest
from http import HTTPStatus
from typing import cast
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serve.errors import NotReady, Problem, handle_problem
from serve.security.accounts import Accounts
from serve.store.people import User, UserSession
from serve.templating import templates_in

COOKIE = "paidan_session"
CSRF_HEADER = "X-CSRF-Token"

_templates = templates_in("templates")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(Problem):
    """Nobody is signed in, or not any more."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "not-signed-in"
    title = "Not signed in"

    def __init__(self) -> None:
        super().__init__("请先登录", where="session", fix="/login")


class NotAllowed(Problem):
    """The person's role does not reach this far, or the request did not come from our own page."""

    status = HTTPStatus.FORBIDDEN
    slug = "not-allowed"
    title = "Not allowed"

    def __init__(self, why: str) -> None:
        super().__init__(why, where="session")


def accounts_of(request: Request) -> Accounts:
    """Return the accounts; raise NotReady while the service starts, or when it has no store."""
    accounts = cast(Accounts | None, getattr(request.app.state, "accounts", None))
    if accounts is None:
        raise NotReady()
    return accounts


def signed_in(*roles: str) -> Callable[[Request], User]:
    """Return a dependency that gives the person who is signed in with one of these roles (none: any).

    Requests that change something must carry the session's CSRF token in a header. The dependency raises
    NotSignedIn (a page that is navigated to goes to /login instead) and NotAllowed.
    """

    def person(request: Request) -> User:
        return admit(request, roles, request.headers.get(CSRF_HEADER, ""))

    return person


def admit(request: Request, roles: Sequence[str], csrf_token: str) -> User:
    """Return who is signed in, with one of these roles (none: any).

    Raises:
        NotSignedIn: nobody is.
        NotAllowed: another role, or a change is asked for and the token is not the session's.
    """
    found = _session(request)
    if found is None:
        raise NotSignedIn()
    user, session = found
    if request.method not in _SAFE and not compare_digest(
        csrf_token.encode("utf-8", "replace"), session.csrf_token.encode()
    ):
        raise NotAllowed("页面已过期，请刷新后重试")
    if roles and user.role not in roles:
        raise NotAllowed("您的角色没有这项权限")
    return user


def person_of(request: Request) -> User:
    """Return who is signed in; raise NotSignedIn."""
    found = _session(request)
    if found is None:
        raise NotSignedIn()
    return found[0]


def visitor_of(request: Request) -> User | None:
    """Return who is signed in, if anybody is, and there is a store that knows."""
    if getattr(request.app.state, "accounts", None) is None:
        return None
    found = _session(request)
    return found[0] if found is not None else None


def csrf_token_of(request: Request) -> str:
    """Return the CSRF token of the person's session, for the page's meta tag; raise NotSignedIn."""
    found = _session(request)
    if found is None:
        raise NotSignedIn()
    return found[1].csrf_token


def _session(request: Request) -> tuple[User, UserSession] | None:
    known = getattr(request.state, "person", None)
    if known is None:
        token = request.cookies.get(COOKIE)
        known = accounts_of(request).session_of(token) if token else None
        request.state.person = known
    return cast(tuple[User, UserSession] | None, known)


def set_cookie(response: Response, request: Request, token: str, seconds: int) -> None:
    """Hand a session's token to the browser: not to its scripts, nor to other sites."""
    response.set_cookie(
        COOKIE, token, max_age=seconds, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


async def handle_not_signed_in(request: Request, error: Exception) -> Response:
    """Send somebody who opens a page to sign in; tell a script 401."""
    if _opens_a_page(request):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(target)}", HTTPStatus.SEE_OTHER)
    return await handle_problem(request, error)


async def handle_not_allowed(request: Request, error: Exception) -> Response:
    """Tell somebody who opens a page of another role so, on a page; tell a script 403."""
    if not _opens_a_page(request):
        return await handle_problem(request, error)
    page = _templates.get_template("denied.html").render(
        user=person_of(request), csrf_token=csrf_token_of(request)
    )
    return HTMLResponse(page, HTTPStatus.FORBIDDEN)


def _opens_a_page(request: Request) -> bool:
    navigates = request.method == "GET" and request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    return navigates and "text/html" in request.headers.get("accept", "")
