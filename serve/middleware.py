"""Around every request: an id, a log line, a body limit, security headers, and no escape for exceptions."""

from __future__ import annotations

import asyncio
import re
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.errors import BodyTooLarge, BodyTooSlow, InternalError, problem_response
from serve.logs import describe_error
from serve.metrics.meters import Meters

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_RAW_SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class RequestContext:
    """Gives each request an id (the caller's X-Request-Id, if it is one), and logs and counts how it ended.

    Every log line written while it is handled bears the id. Log and metrics name the route, not the address:
    an address can hold anything.
    """

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; exceptions become a 500 that shows nothing of them."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex
        scope["request_id"] = request_id
        started = perf_counter()
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = Headers(raw=message.get("headers", []))
                headers = [(b"x-request-id", request_id.encode())]
                # A page that says itself what it may run, as a report does, is taken at its word.
                headers += [
                    (name, value) for name, value in _RAW_SECURITY_HEADERS if name.decode() not in own
                ]
                if "cache-control" not in own and not scope["path"].startswith("/static/"):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                await self._app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("request_failed", request_id=request_id, **describe_error(error))
            if status is None:
                await problem_response(InternalError(), scope)(scope, receive, send_with_headers)
        finally:
            seconds = perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            problem: str | None = scope.get("problem")
            self._meters.request_ended(route, scope["method"], status, seconds, problem)
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                **({"problem": problem} if problem else {}),
            )


class BodyLimit:
    """Refuses bodies over a limit: by their declared length at once, else when the limit is passed.

    A body must also be complete `seconds` after its head.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; reading past the limits raises BodyTooLarge or BodyTooSlow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > self._limit:
            await problem_response(BodyTooLarge(self._limit), scope)(scope, receive, send)
            return
        received, complete = 0, False
        until = asyncio.get_running_loop().time() + self._seconds

        async def receive_within_limit() -> Message:
            nonlocal received, complete
            if complete:  # what is waited for now is that the client leaves
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow(self._seconds) from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._limit:
                raise BodyTooLarge(self._limit)
            return message

        await self._app(scope, receive_within_limit, send)
