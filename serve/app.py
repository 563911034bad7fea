"""The ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from serve.api import feedback, openapi, routes
from serve.errors import Problem, handle_http_exception, handle_invalid_request, handle_problem
from serve.lead import routes as lead_routes
from serve.metrics.meters import Meters
from serve.metrics.routes import metrics_router
from serve.middleware import BodyLimit, RequestContext
from serve.page import routes as page
from serve.presence import ClientGoneError
from serve.review import consult_routes
from serve.review import routes as review_routes
from serve.running import running
from serve.scorer import Scorer
from serve.security import pages as signing_in
from serve.security.sessions import NotSignedIn, handle_not_signed_in
from serve.settings import ServeSettings
from serve.similar import routes as similar_routes
from serve.tracing.setup import add_tracing

CLIENT_GONE = 499
"""Status in the log when there was nobody left to answer (nginx's number)."""


def create_app(settings: ServeSettings, scorer: Scorer | None = None) -> FastAPI:
    """Make the application; without a `scorer` it loads `settings.artifact` when it starts."""
    meters = Meters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(app, settings, scorer, meters):
            yield

    app = FastAPI(
        title="Paidan",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # FastAPI's own, where it has some, sends addresses, queries and exceptions' messages.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in (
        routes.router,
        feedback.router,
        similar_routes.router,
        metrics_router(meters, settings),
        page.router,
        signing_in.router,
        consult_routes.router,
        review_routes.router,
        lead_routes.router,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(str(files("serve"))) / "static"))
    app.add_exception_handler(NotSignedIn, handle_not_signed_in)
    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(RequestValidationError, handle_invalid_request)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(ClientGoneError, _answer_nobody)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestContext, meters=meters)
    if settings.tracing_endpoint is not None:
        add_tracing(app, settings.tracing_endpoint)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.openapi_document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)
