"""What runs while the application serves: the model, the queue before it, the store behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import structlog
from fastapi import FastAPI

from data.catalog.catalog import Catalog
from data.tickets.ticket import Ticket
from model.artifact import read_manifest
from model.errors import ArtifactError
from model.registry import CURRENT, SHADOW
from serve.api.examples import WARM_UP_TEXTS
from serve.api.requests import Limits
from serve.batching import MicroBatcher
from serve.cache import with_cache
from serve.drift.keeping import DriftKeeper
from serve.lead.dependencies import LeadDesk
from serve.live import ArtifactWatch, LiveScorer, watching
from serve.memory import settle_memory
from serve.metrics.measured import MeasuredScorer
from serve.metrics.meters import Meters
from serve.metrics.state import ServiceState
from serve.review.desk import Desk
from serve.review.sample import fill_sample
from serve.scorer import Scorer
from serve.security.accounts import Accounts
from serve.security.keys import ApiKeys
from serve.security.sign_in_limit import SignInLimit
from serve.service import Service
from serve.settings import ServeSettings
from serve.shadow.shadowing import Shadow, ShadowingScorer
from serve.similar.asking import SimilarQueries
from serve.similar.index import FloatArray, SimilarTickets
from serve.similar.keeping import SimilarKeeper
from serve.store.engine import Store
from serve.store.keeper import remembering

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(
    app: FastAPI, settings: ServeSettings, scorer: Scorer | None, meters: Meters
) -> AsyncIterator[None]:
    """Put everything that the routes use into `app.state`; take it down in the other order afterwards."""
    loaded = scorer if scorer is not None else await asyncio.to_thread(load_scorer, settings)
    await asyncio.to_thread(warm_up, loaded, settings)
    live = LiveScorer(loaded)
    watch = ArtifactWatch(settings.artifact, live, lambda: load_and_warm_up(settings))
    measured = with_cache(MeasuredScorer(live, meters), settings.cache_entries)
    async with (
        remembering(measured, settings, meters) as (recording, store),
        watching(watch, settings.artifact_check_seconds),
        _shadowing(recording, store, settings) as answering,
        _similar_tickets(store, live, settings) as app.state.similar,
        _batching(MicroBatcher(answering, settings, meters)) as batcher,
    ):
        drift = app.state.drift = DriftKeeper.over(store, live)
        service = Service(settings, Limits.from_settings(settings), answering, batcher, store=store)
        app.state.service = service
        if store is not None:
            _open_the_desk(app, settings, store, live)
            if settings.sample_queue:
                await asyncio.to_thread(fill_sample, store, recording)
        state = ServiceState(service, watch, drift)
        meters.registry.register(state)
        log.info("ready", model=loaded.versions.model, catalog=loaded.versions.catalog)
        try:
            yield
        finally:
            meters.registry.unregister(state)
    log.info("stopped")


def load_scorer(settings: ServeSettings) -> Scorer:
    """Load the artifact that the settings name; raise ArtifactError if it cannot be used."""
    from model.dispatcher import Dispatcher
    from model.threads import keep_blas_to_one_thread
    from serve.tuning import choose

    keep_blas_to_one_thread()
    precision, threads = choose(settings, read_manifest(settings.artifact))
    dispatcher = Dispatcher.load(
        settings.artifact, threads=threads, precision=precision, cascade=settings.cascade, shared=True
    )
    settle_memory()
    return dispatcher


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
    tickets = [  # with a stated district the cascade leaves them to the encoder, which must be warm, too
        Ticket(f"warm-up-{i}", WARM_UP_TEXTS[i % len(WARM_UP_TEXTS)], district="朝阳区")
        for i in range(settings.max_batch_size)
    ]
    scorer.score(tickets[:1], top_k=settings.top_k)
    with ThreadPoolExecutor(2) as pool:  # at the same time: the encoder runs side by side, too
        decisions, _ = pool.map(lambda _: scorer.score(tickets, top_k=settings.top_k), range(2))
    for decision in decisions:
        scores = [candidate.score for candidate in decision.candidates if candidate.score is not None]
        if not scores or not all(0 <= score <= 1 for score in scores):
            raise ArtifactError(
                "an invented ticket gets no candidate with a score from 0 to 1",
                where=str(settings.artifact),
                fix="Train it again; `paidan compare` measures an artifact before it is promoted.",
            )


def _open_the_desk(app: FastAPI, settings: ServeSettings, store: Store, live: LiveScorer) -> None:
    app.state.accounts = Accounts(store, session_hours=settings.session_hours)
    app.state.api_keys = ApiKeys(store)
    if settings.sign_in_failures_per_minute is not None:
        app.state.sign_in_limit = SignInLimit(settings.sign_in_failures_per_minute)
    if hasattr(live, "catalog"):
        app.state.desk = Desk.create(store, settings, lambda: cast(Catalog, live.catalog))
        app.state.lead_desk = LeadDesk.create(store, live)


@asynccontextmanager
async def _batching(batcher: MicroBatcher) -> AsyncIterator[MicroBatcher]:
    await batcher.start()
    try:
        yield batcher
    finally:
        await batcher.stop()


@asynccontextmanager
async def _shadowing(scorer: Scorer, store: Store | None, settings: ServeSettings) -> AsyncIterator[Scorer]:
    """Give a scorer that offers its answers to the candidate of the registry that is served from, if any."""
    if store is None or settings.artifact.name != CURRENT or settings.artifact_check_seconds is None:
        yield scorer
        return

    def load(folder: Path) -> Scorer:
        candidate = settings.model_copy(update={"artifact": folder, "threads": 1})
        return load_and_warm_up(candidate)

    shadow = Shadow(settings.artifact.with_name(SHADOW), store, load)
    shadow.start(settings.artifact_check_seconds)
    try:
        yield ShadowingScorer(scorer, shadow)
    finally:
        await shadow.stop()


@asynccontextmanager
async def _similar_tickets(
    store: Store | None, live: LiveScorer, settings: ServeSettings
) -> AsyncIterator[SimilarQueries | None]:
    if store is None or settings.similar_tickets == 0 or not hasattr(live, "vectors"):
        yield None
        return

    def encode(texts: Sequence[str]) -> FloatArray:
        vectors: FloatArray = live.vectors(texts)  # of the model that is live now
        return vectors

    index = SimilarTickets(store, encode, lambda: live.versions.model, settings.similar_tickets)
    keeper, queries = SimilarKeeper(index), SimilarQueries(index)
    keeper.start()
    try:
        yield queries
    finally:
        queries.close()
        await keeper.stop()
