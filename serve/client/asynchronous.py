"""The client for programs on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import TypeVar

import httpx

from serve.client.answers import Decision, Outcome
from serve.client.calls import Call, new_id, raise_problem
from serve.client.requests import Event, Ticket
from serve.client.retrying import Attempts

Answer = TypeVar("Answer")


class AsyncPaidanClient:
    """Calls a Paidan service, as PaidanClient does; close it, or use it in an `async with` block.

    Args:
        base_url: such as http://127.0.0.1:8000.
        api_key: pd_…, where the service asks for one.
        timeout: seconds that one call may take, all its attempts and the pauses between them included. An
            attempt that trickles in byte by byte may go over.
        retries: how often a call is tried again when the service is busy (429), unavailable (503) or does not
            answer. Nothing else is tried again.
        transport: how to reach it, instead of the network.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key is not None else {}
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, transport=transport)
        self._timeout = timeout
        self._retries = retries

    async def score(self, ticket: Ticket) -> Decision:
        """Return the decision on a ticket; raise a PaidanClientError if there is none."""
        return await self._make(Call.score(ticket))

    async def score_batch(self, tickets: Sequence[Ticket]) -> list[Decision]:
        """Return one decision a ticket, in order; one that cannot be used refuses all (BadRequestError)."""
        return await self._make(Call.score_batch(tickets))

    async def feedback(self, event: Event) -> Outcome:
        """Report what became of a ticket; return what is known of it by now."""
        return await self._make(Call.feedback(event))

    async def ready(self) -> bool:
        """Tell whether the service scores tickets now; it is asked once, and False if nobody answers."""
        request_id = new_id()
        try:
            response = await self._http.get(
                "/readyz", headers={"X-Request-Id": request_id}, timeout=Attempts(self._timeout, 0).timeout()
            )
        except httpx.RequestError:
            return False
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
            raise_problem(response, request_id)
        return response.status_code == HTTPStatus.OK

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncPaidanClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _make(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self._timeout, self._retries)
        while True:
            outcome: httpx.Response | httpx.RequestError
            try:
                outcome = await self._http.send(call.request(self._http, attempts.timeout()))
            except httpx.RequestError as error:
                outcome = error
            pause = attempts.pause_after(outcome)
            if pause is None:
                return call.answer(outcome)
            await asyncio.sleep(pause)
