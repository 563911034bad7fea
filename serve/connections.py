"""Connections that end when their client does not send a request in time."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast


class _Impatient(asyncio.Protocol):
    """What uvicorn's HTTP protocols lack: a limit to how long the head of a request may take.

    Without it, a client that opens connections and sends nothing, or a byte now and then, holds each of them
    for ever, until the process may open no more (slow loris).
    """

    seconds: ClassVar[float]

    # uvicorn's own
    transport: asyncio.Transport
    cycle: Any

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the head of a request is complete."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()  # type: ignore[misc] # uvicorn's own
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._answering():
            self._stop_waiting()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self._answering():
            self.transport.close()


def impatient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return the HTTP protocol that uvicorn would choose, with so many seconds for the head of a request."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    made = type("ImpatientProtocol", (_Impatient, AutoHTTPProtocol), {"seconds": seconds})
    return cast(type[asyncio.Protocol], made)
