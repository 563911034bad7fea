"""What a running service consists of, for the routes to use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from starlette.requests import ClientDisconnect, Request

from serve.api.requests import Limits, TicketRequest
from serve.batching import MicroBatcher
from serve.errors import BodyTooSlow, NotReady
from serve.presence import ClientGoneError
from serve.scorer import Scorer
from serve.settings import ServeSettings
from serve.store.engine import Store


@dataclass(frozen=True, slots=True)
class Service:
    """A loaded model, the queue before it, and the store behind it, if there is one."""

    settings: ServeSettings
    limits: Limits
    scorer: Scorer
    batcher: MicroBatcher
    store: Store | None = None

    def top_k(self, request: TicketRequest) -> int:
        """Return how many candidates a request gets."""
        return request.top_k if request.top_k is not None else self.settings.top_k


def service_of(request: Request) -> Service:
    """Return the service that a request came to; raise NotReady while it starts or stops."""
    service = cast(Service | None, getattr(request.app.state, "service", None))
    if service is None or not service.batcher.accepting:
        raise NotReady()
    return service


async def read_body(request: Request, service: Service) -> bytes:
    """Return the body of a request; raise BodyTooSlow, BodyTooLarge or ClientGoneError."""
    seconds = service.settings.deadline_seconds
    try:
        async with asyncio.timeout(seconds):
            return await request.body()
    except TimeoutError:
        raise BodyTooSlow(seconds) from None
    except ClientDisconnect:
        raise ClientGoneError() from None
