"""The ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from data.catalog.catalog import Catalog
from data.tickets.ticket import Ticket
from model.errors import ArtifactError
from serve.api import feedback, openapi, routes
from serve.api.examples import WARM_UP_TEXTS
from serve.api.requests import Limits
from serve.batching import MicroBatcher
from serve.errors import Problem, handle_http_exception, handle_invalid_request, handle_problem
from serve.live import ArtifactWatch, LiveScorer, watching
from serve.middleware import BodyLimit, RequestContext
from serve.page import routes as page
from serve.presence import ClientGoneError
from serve.review import consult_routes
from serve.review import routes as review_routes
from serve.review.desk import Desk
from serve.review.sample import fill_sample
from serve.scorer import Scorer
from serve.security import pages as signing_in
from serve.security.accounts import Accounts
from serve.security.keys import ApiKeys
from serve.security.sessions import NotSignedIn, handle_not_signed_in
from serve.service import Service
from serve.settings import ServeSettings
from serve.store.keeper import remembering

log = structlog.get_logger(__name__)

CLIENT_GONE = 499
"""Status in the log when there was nobody left to answer (nginx's number)."""


def create_app(settings: ServeSettings, scorer: Scorer | None = None) -> FastAPI:
    """Make the application; without a `scorer` it loads `settings.artifact` when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded = scorer if scorer is not None else await asyncio.to_thread(load_scorer, settings)
        await asyncio.to_thread(warm_up, loaded, settings)
        live = LiveScorer(loaded)
        watch = ArtifactWatch(settings.artifact, live, lambda: load_and_warm_up(settings))
        async with (
            remembering(live, settings) as (recording, store),
            watching(watch, settings.artifact_check_seconds),
        ):
            batcher = MicroBatcher(recording, settings)
            await batcher.start()
            app.state.service = Service(
                settings, Limits.from_settings(settings), recording, batcher, store=store
            )
            if store is not None:
                app.state.accounts = Accounts(store, session_hours=settings.session_hours)
                app.state.api_keys = ApiKeys(store)
                if hasattr(live, "catalog"):
                    app.state.desk = Desk.create(store, settings, lambda: cast(Catalog, live.catalog))
            if settings.sample_queue and store is not None:
                await asyncio.to_thread(fill_sample, store, recording)
            log.info("ready", model=loaded.versions.model, catalog=loaded.versions.catalog)
            try:
                yield
            finally:
                await batcher.stop()
                log.info("stopped")

    app = FastAPI(title="Paidan", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(routes.router)
    app.include_router(feedback.router)
    app.include_router(page.router)
    app.include_router(signing_in.router)
    app.include_router(consult_routes.router)
    app.include_router(review_routes.router)
    app.mount("/static", StaticFiles(directory=Path(str(files("serve"))) / "static"))
    app.add_exception_handler(NotSignedIn, handle_not_signed_in)
    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(RequestValidationError, handle_invalid_request)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(ClientGoneError, _answer_nobody)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestContext)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.openapi_document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app


def load_scorer(settings: ServeSettings) -> Scorer:
    """Load the artifact that the settings name; raise ArtifactError if it cannot be used."""
    from model.dispatcher import Dispatcher

    return Dispatcher.load(settings.artifact, threads=settings.threads)


def load_and_warm_up(settings: ServeSettings) -> Scorer:
    """Load the artifact and try it.

    Raises:
        ArtifactError: the artifact is not whole, or what it answers is no answer.
    """
    scorer = load_scorer(settings)
    warm_up(scorer, settings)
    return scorer


def warm_up(scorer: Scorer, settings: ServeSettings) -> None:
    """Score invented tickets, alone and in a full batch: dictionaries load, and memory is allocated.

    Raises:
        ArtifactError: what comes out is no answer.
    """
    tickets = [
        Ticket(f"warm-up-{i}", WARM_UP_TEXTS[i % len(WARM_UP_TEXTS)]) for i in range(settings.max_batch_size)
    ]
    scorer.score(tickets[:1], top_k=settings.top_k)
    decisions = scorer.score(tickets, top_k=settings.top_k)
    for decision in decisions:
        scores = [candidate.score for candidate in decision.candidates if candidate.score is not None]
        if not scores or not all(0 <= score <= 1 for score in scores):
            raise ArtifactError(
                "an invented ticket gets no candidate with a score from 0 to 1",
                where=str(settings.artifact),
                fix="Train it again; `paidan compare` measures an artifact before it is promoted.",
            )


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)
