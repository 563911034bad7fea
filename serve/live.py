"""The model that serves now, and the exchange of it for another while tickets come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from data.errors import PaidanError
from data.tickets.ticket import Ticket
from model.artifact import Manifest, read_manifest
from model.decision import Decision, Versions
from model.errors import ArtifactError
from serve.logs import describe_error
from serve.scorer import Scorer

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 60.0


class LiveScorer:
    """A scorer whose model can be exchanged. A call that has begun ends with the model it began with."""

    def __init__(self, scorer: Scorer) -> None:
        self._now = scorer

    def __getattr__(self, name: str) -> Any:
        """Give what the model has besides: its catalog, its columns."""
        return getattr(self._now, name)

    @property
    def versions(self) -> Versions:
        """Return the versions of what answers now."""
        return self._now.versions

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Return one decision a ticket, all of one model."""
        return self._now.score(tickets, top_k=top_k)

    def fallback(self, ticket: Ticket) -> Decision:
        """Answer by the rules of the catalog that is live."""
        decision: Decision = self._now.fallback(ticket)  # type: ignore[attr-defined]
        return decision

    def exchange(self, scorer: Scorer) -> None:
        """Let another model answer from the next call on."""
        self._now = scorer


class ArtifactWatch:
    """Looks whether another artifact lies where the served one was loaded from, and puts it in service.

    `load` makes a scorer of the artifact and tries it; what it raises keeps the artifact out of service, and
    the old model goes on. `exchanged` and `refused` count what came of it.
    """

    def __init__(self, folder: Path, live: LiveScorer, load: Callable[[], Scorer]) -> None:
        self._folder = folder
        self._live = live
        self._load = load
        served: Manifest | None = getattr(live, "manifest", None)
        self._seen = served.identity if served is not None else identity(folder)
        self.exchanged = 0
        self.refused = 0

    async def run(self, seconds: float) -> None:
        """Look every so many seconds until cancelled; after a refusal less often, until something changes."""
        pause, refused = seconds, None
        while True:
            await asyncio.sleep(pause)
            found = await asyncio.to_thread(identity, self._folder)
            if found is None or found == self._seen:
                pause, refused = seconds, None
                continue
            # What was refused may have been half copied: it is tried again, ever less often.
            pause = min(2 * pause, _LONGEST_PAUSE) if found == refused else seconds
            refused = None if await self._take(found, again=found == refused) else found

    async def _take(self, found: str, *, again: bool) -> bool:
        try:
            scorer = await asyncio.to_thread(self._load)
            if await asyncio.to_thread(identity, self._folder) != found:
                return False  # it changed while it was read; the next look takes the newer one
        except Exception as error:  # whatever it was, the old model serves on
            if not again:
                self.refused += 1
                # PaidanError says what is wrong with which file, never a ticket's text.
                why = str(error) if isinstance(error, PaidanError) else None
                log.error("artifact_refused", why=why, **describe_error(error))
            return False
        before = self._live.versions
        self._live.exchange(scorer)
        self._seen = found
        self.exchanged += 1
        now = scorer.versions
        log.info(
            "artifact_exchanged",
            model=now.model,
            catalog=now.catalog,
            policy=now.policy,
            previous_model=before.model,
            previous_catalog=before.catalog,
        )
        return True


def identity(folder: Path) -> str | None:
    """Return what names the artifact in a folder as a whole; None if none can be read there now."""
    try:
        return read_manifest(folder).identity
    except (ArtifactError, OSError):
        return None


@asynccontextmanager
async def watching(watch: ArtifactWatch, seconds: float | None) -> AsyncIterator[None]:
    """Let a watch run beside the block; with None it does not look."""
    if seconds is None:
        yield
        return
    task = asyncio.create_task(watch.run(seconds), name="paidan-artifact-watch")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
