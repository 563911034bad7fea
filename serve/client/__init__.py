"""A client of the service for Python programs: `from serve.client import PaidanClient, Ticket`.

It needs httpx and nothing else of Paidan.
"""

from serve.client.answers import (
    Area,
    Candidate,
    Category,
    Decision,
    Demand,
    Department,
    Outcome,
    Place,
    Reason,
    Span,
    Versions,
)
from serve.client.asynchronous import AsyncPaidanClient
from serve.client.errors import (
    BadRequestError,
    BusyError,
    ConflictError,
    Fault,
    KeyRefusedError,
    NoAnswerError,
    PaidanClientError,
    ProblemError,
    ServiceError,
    UnavailableError,
    UnreadableAnswerError,
)
from serve.client.requests import Event, Ticket
from serve.client.synchronous import PaidanClient

__all__ = [
    "Area",
    "AsyncPaidanClient",
    "BadRequestError",
    "BusyError",
    "Candidate",
    "Category",
    "ConflictError",
    "Decision",
    "Demand",
    "Department",
    "Event",
    "Fault",
    "KeyRefusedError",
    "NoAnswerError",
    "Outcome",
    "PaidanClient",
    "PaidanClientError",
    "Place",
    "ProblemError",
    "Reason",
    "ServiceError",
    "Span",
    "Ticket",
    "UnavailableError",
    "UnreadableAnswerError",
    "Versions",
]
