"""The calls of the API: what each sends, and what its answer becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, NoReturn, TypeVar
from uuid import uuid4

import httpx

from serve.client.answers import Decision, Json, Outcome
from serve.client.errors import Fault, NoAnswerError, UnreadableAnswerError, kind_of
from serve.client.requests import Event, Ticket

Answer = TypeVar("Answer")

_PROBLEM_TYPE = "urn:problem-type:paidan:"


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One call; all its attempts bear the same request id."""

    path: str
    content: dict[str, Any]
    read: Callable[[Json], Answer]
    request_id: str

    @classmethod
    def score(cls, ticket: Ticket) -> Call[Decision]:
        """Ask for the decision on a ticket."""
        return Call("/v1/score", ticket.to_json(), Decision.from_json, new_id())

    @classmethod
    def score_batch(cls, tickets: Sequence[Ticket]) -> Call[list[Decision]]:
        """Ask for the decisions on several tickets."""

        def read(content: Json) -> list[Decision]:
            decisions = list(map(Decision.from_json, content["decisions"]))
            if [decision.ticket_id for decision in decisions] != [ticket.ticket_id for ticket in tickets]:
                raise ValueError("not one decision a ticket")
            return decisions

        return Call("/v1/score/batch", {"tickets": [t.to_json() for t in tickets]}, read, new_id())

    @classmethod
    def feedback(cls, event: Event) -> Call[Outcome]:
        """Report what became of a ticket."""
        return Call("/v1/feedback", event.to_json(), Outcome.from_json, new_id())

    def request(self, client: httpx.Client | httpx.AsyncClient, timeout: httpx.Timeout) -> httpx.Request:
        """Return the request of one attempt."""
        headers = {"X-Request-Id": self.request_id}
        return client.build_request("POST", self.path, json=self.content, headers=headers, timeout=timeout)

    def answer(self, outcome: httpx.Response | httpx.RequestError) -> Answer:
        """Return what the last attempt brought, or raise the error that says why it brought nothing."""
        if isinstance(outcome, httpx.RequestError):
            raise NoAnswerError(f"no answer ({type(outcome).__name__})", self.request_id) from outcome
        if outcome.status_code != HTTPStatus.OK:
            raise_problem(outcome, self.request_id)
        try:
            return self.read(outcome.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # Its message may quote the answer, which quotes the ticket.
            raise UnreadableAnswerError(
                f"the answer is not one of Paidan's ({type(error).__name__})", self.request_id
            ) from None


def new_id() -> str:
    """Return an id for a call."""
    return uuid4().hex


def raise_problem(response: httpx.Response, request_id: str) -> NoReturn:
    """Raise the error that an answer other than success means."""
    slug: str | None = None
    detail, faults = "", tuple[Fault, ...]()
    try:
        content = response.json()
        if content["type"].startswith(_PROBLEM_TYPE):
            slug = content["type"].removeprefix(_PROBLEM_TYPE)
        detail = str(content["detail"])
        faults = tuple(Fault(fault["pointer"], fault["detail"]) for fault in content["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # a proxy's page, say: the status has to do
    status = response.status_code
    raise kind_of(status)(status, slug, detail, response.headers.get("x-request-id", request_id), faults)
