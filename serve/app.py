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

from serve.analyst import routes as analyst_routes
from serve.api import feedback, openapi, routes
from serve.drift import routes as drift_routes
from serve.errors import Problem, handle_http_exception, handle_invalid_request, handle_problem
from serve.export import routes as export_routes
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
from serve.security import admin_pages, password_page
from serve.security import pages as signing_in
from serve.security.sessions import NotAllowed, NotSignedIn, handle_not_allowed, handle_not_signed_in
from serve.settings import ServeSettings, ServeSettingsError
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
        password_page.router,
        admin_pages.router,
        export_routes.router,
        consult_routes.router,
        review_routes.router,
        lead_routes.router,
        analyst_routes.router,
        drift_routes.router,
    ):
        app.include_router(router)
    if settings.oidc_issuer is not None:
        _add_oidc(app, settings)
    # Reports hold the same file, so it lies where serving and training both reach it.
    app.mount("/static/echarts", StaticFiles(directory=Path(str(files("configs"))) / "vendor" / "echarts"))
    app.mount("/static", StaticFiles(directory=Path(str(files("serve"))) / "static"))
    app.add_exception_handler(NotSignedIn, handle_not_signed_in)
    app.add_exception_handler(NotAllowed, handle_not_allowed)
    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(RequestValidationError, handle_invalid_request)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(ClientGoneError, _answer_nobody)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, seconds=settings.deadline_seconds)
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


def _add_oidc(app: FastAPI, settings: ServeSettings) -> None:
    """Let people sign in through an identity provider; its packages are imported only here."""
    try:
        from serve.security.oidc import OidcProvider
        from serve.security.oidc_pages import router
    except ImportError as error:
        raise ServeSettingsError(
            f"the package {error.name} is missing",
            where="setting oidc_issuer",
            fix="pip install 'paidan[oidc]'",
        ) from error
    app.state.oidc = OidcProvider.from_settings(settings)
    app.include_router(router)
