"""What happens beside the answering: decisions that wait arrive, and old texts are emptied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError

from serve.logs import describe_error
from serve.metrics.meters import Meters
from serve.scorer import Scorer
from serve.settings import ServeSettings
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.recording import RecordingScorer
from serve.store.retention import purge
from serve.store.schema import check_schema, upgrade
from serve.store.write_ahead import WriteAheadFile

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_DAY = 86_400.0


@asynccontextmanager
async def remembering(
    scorer: Scorer, settings: ServeSettings, meters: Meters
) -> AsyncIterator[tuple[Scorer, Store | None]]:
    """Give a scorer that remembers, with its store; the scorer itself, without one, if none is set.

    SQLite is brought to the needed schema; PostgreSQL, which others may use, must have it. A database that
    cannot be reached does not keep the service from starting.

    Raises:
        StoreError: the schema is not the one that the code needs.
    """
    if settings.database_url is None:
        yield scorer, None
        return
    store = Store.open(settings.database_url)
    waiting = WriteAheadFile(settings.write_ahead_file, settings.write_ahead_bytes)
    recording = RecordingScorer(scorer, store, waiting, Dispatching.from_settings(settings), meters)
    ready = False
    try:
        await asyncio.to_thread(_make_ready, store)
        ready = True
    except (SQLAlchemyError, OSError) as error:  # a busy pool and a full disk are no reason not to start
        log.error("store_down", **describe_error(error))
        recording.down = True
    task = asyncio.create_task(
        keep(store, recording, settings.retention_days, ready=ready), name="paidan-keeper"
    )
    try:
        yield recording, store
    finally:
        task.cancel()
        await asyncio.wait({task})
        recording.close()
        waiting.close()
        store.close()


def _make_ready(store: Store) -> None:
    if store.is_postgresql:
        check_schema(store)
    else:
        upgrade(store)


async def keep(
    store: Store, scorer: RecordingScorer, retention_days: int | None, *, ready: bool = True
) -> None:
    """Run until cancelled: look for waiting decisions twice a second, less often while the store is down.

    `ready` says that the schema was seen to; if not, that comes first once the store is back.
    """
    pause, purged_at = _FIRST_PAUSE, -_DAY
    while True:
        try:
            if scorer.down or scorer.backlog:
                pause = min(2 * pause, _LONGEST_PAUSE)
                if not ready:
                    await asyncio.to_thread(_make_ready, store)
                    ready = True
                if await asyncio.to_thread(scorer.catch_up):
                    pause = _FIRST_PAUSE
            elif retention_days is not None and monotonic() - purged_at >= _DAY:
                purged_at = monotonic()
                log.info("purged", tickets=await asyncio.to_thread(purge, store, retention_days))
        except Exception as error:  # whatever it was, the next round tries again
            log.error("keeper_failed", **describe_error(error))
        await asyncio.sleep(pause)
