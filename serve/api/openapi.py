"""The OpenAPI document."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from serve.api.answers import (
    BatchAnswer,
    DecisionAnswer,
    OutcomeAnswer,
    SimilarAnswer,
    StatusAnswer,
    VersionAnswer,
)
from serve.api.requests import BatchRequest, FeedbackRequest, SimilarRequest, TicketRequest
from serve.errors import ProblemAnswer

DESCRIPTION = (
    "Dispatches city hotline tickets (12345 工单) to the department that must act and the jurisdiction where "
    "it happened. Errors are problem+json (RFC 9457) and never repeat what was sent. docs/api.md says more."
)

_MODELS: list[tuple[type[BaseModel], JsonSchemaMode]] = [
    (TicketRequest, "validation"),
    (BatchRequest, "validation"),
    (FeedbackRequest, "validation"),
    (SimilarRequest, "validation"),
    *(
        (answer, "serialization")
        for answer in (
            DecisionAnswer,
            BatchAnswer,
            OutcomeAnswer,
            SimilarAnswer,
            StatusAnswer,
            VersionAnswer,
            ProblemAnswer,
        )
    ),
]


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description of an app.

    The routes read bodies themselves (strictly, and with the limits of the settings), so FastAPI does not
    know the models: they are put in here.
    """
    document = get_openapi(
        title="Paidan", version=version("paidan"), description=DESCRIPTION, routes=app.routes
    )
    _, schemas = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    document["components"] = {"schemas": dict(sorted(schemas["$defs"].items()))}
    return document
