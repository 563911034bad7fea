"""Questions for similar tickets, one at a time: live tickets need the encoder more."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from serve.errors import QueueFull
from serve.similar.index import SimilarTicket, SimilarTickets

_MOST_WAITING = 16
_SECONDS_EACH = 0.1
"""What a caller is told to wait for each question before its own: two or three are answered in it."""


class SimilarQueries:
    """Asks an index in a thread of its own. All methods run on one event loop."""

    def __init__(self, index: SimilarTickets) -> None:
        self.index = index
        self._waiting = 0
        self._worker = ThreadPoolExecutor(1, "paidan-similar")

    async def nearest(self, text: str, *, without: str | None = None) -> list[SimilarTicket]:
        """Return what the index does; raise QueueFull if too many wait already."""
        if self._waiting >= _MOST_WAITING:
            raise QueueFull(self._waiting * _SECONDS_EACH)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._worker, lambda: self.index.nearest(text, without=without)
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more questions."""
        self._worker.shutdown(wait=False, cancel_futures=True)
