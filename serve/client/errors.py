"""Why there is no answer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: `pointer` is a JSON pointer into what was sent."""

    pointer: str
    detail: str


class PaidanClientError(Exception):
    """Root of all that the client raises. `request_id` finds the call in the service's log."""

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(f"{message} (request {request_id})")
        self.request_id = request_id


class NoAnswerError(PaidanClientError):
    """Nobody answered within the time: no connection, or it broke."""


class UnreadableAnswerError(PaidanClientError):
    """Something answered that is not a Paidan service, or one of another age."""


class ProblemError(PaidanClientError):
    """The service said no.

    `slug` names the problem as docs/api.md lists them, or is None where the status says it all; `faults` says
    what is wrong with the request, if that is it.
    """

    def __init__(
        self,
        status: int,
        slug: str | None,
        detail: str,
        request_id: str,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(f"{status} {slug or ''}".strip() + (f": {detail}" if detail else ""), request_id)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.faults = faults


class BadRequestError(ProblemError):
    """The request cannot be used as it is (4xx)."""


class KeyRefusedError(BadRequestError):
    """The API key is missing, unknown, or not for this (401, 403)."""


class ConflictError(BadRequestError):
    """The event was reported before, with other content (409)."""


class BusyError(ProblemError):
    """Too many tickets wait (429), and there was no time left to try again."""


class ServiceError(ProblemError):
    """The service failed (5xx)."""


class UnavailableError(ServiceError):
    """The service starts, stops or has no database (503), and there was no time left to try again."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    HTTPStatus.UNAUTHORIZED: KeyRefusedError,
    HTTPStatus.FORBIDDEN: KeyRefusedError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.TOO_MANY_REQUESTS: BusyError,
    HTTPStatus.SERVICE_UNAVAILABLE: UnavailableError,
}


def kind_of(status: int) -> type[ProblemError]:
    """Return the class of the error that a status means."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _BY_STATUS.get(status, ServiceError)
    return _BY_STATUS.get(status, BadRequestError)
