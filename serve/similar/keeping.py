"""Beside the answering: decided tickets get their vectors, a few at a time."""

from __future__ import annotations

import asyncio

import structlog

from serve.logs import describe_error
from serve.similar.index import SimilarTickets

log = structlog.get_logger(__name__)

_AT_A_TIME = 4
"""Few, for the encoder serves one at a time, and live tickets wait meanwhile."""

_PAUSE_BUSY, _PAUSE_IDLE = 0.5, 10.0


class SimilarKeeper:
    """Keeps an index up to date while the service runs."""

    def __init__(self, index: SimilarTickets) -> None:
        self._index = index
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="paidan-similar")

    async def stop(self) -> None:
        """End, without waiting for a piece that is being done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            made = 0
            try:
                made = await asyncio.to_thread(self._index.refresh, _AT_A_TIME)
            except Exception as error:  # a store that is down comes back; similar tickets can wait
                log.warning("similar_tickets_failed", **describe_error(error))
            await asyncio.sleep(_PAUSE_BUSY if made else _PAUSE_IDLE)
