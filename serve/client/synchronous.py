"""The client for programs that wait."""

from __future__ import annotations

import time
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


class PaidanClient:
    """Calls a Paidan service. Safe to use from several threads; close it, or use it in a `with` block.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key is not None else {}
        self._http = httpx.Client(base_url=base_url, headers=headers, transport=transport)
        self._timeout = timeout
        self._retries = retries

    def score(self, ticket: Ticket) -> Decision:
        """Return the decision on a ticket; raise a PaidanClientError if there is none."""
        return self._make(Call.score(ticket))

    def score_batch(self, tickets: Sequence[Ticket]) -> list[Decision]:
        """Return one decision a ticket, in order; one that cannot be used refuses all (BadRequestError)."""
        return self._make(Call.score_batch(tickets))

    def feedback(self, event: Event) -> Outcome:
        """Report what became of a ticket; return what is known of it by now."""
        return self._make(Call.feedback(event))

    def ready(self) -> bool:
        """Tell whether the service scores tickets now; it is asked once, and False if nobody answers."""
        request_id = new_id()
        try:
            response = self._http.get(
                "/readyz", headers={"X-Request-Id": request_id}, timeout=Attempts(self._timeout, 0).timeout()
            )
        except httpx.RequestError:
            return False
        if response.status_code not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
            raise_problem(response, request_id)
        return response.status_code == HTTPStatus.OK

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> PaidanClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self._timeout, self._retries)
        while True:
            outcome: httpx.Response | httpx.RequestError
            try:
                outcome = self._http.send(call.request(self._http, attempts.timeout()))
            except httpx.RequestError as error:
                outcome = error
            pause = attempts.pause_after(outcome)
            if pause is None:
                return call.answer(outcome)
            time.sleep(pause)
