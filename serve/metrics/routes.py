"""`GET /metrics`."""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from http import HTTPStatus

from fastapi import APIRouter
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from serve.errors import Problem
from serve.metrics.meters import Meters
from serve.settings import ServeSettings


class MetricsKeyMissing(Problem):
    """Somebody asks for the metrics without their key."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "metrics-key-missing"
    title = "The metrics need their key"

    def __init__(self) -> None:
        super().__init__(
            "no valid key of the metrics",
            where="Authorization",
            expected="Bearer and the value of the setting metrics_key",
        )

    def headers(self) -> dict[str, str]:
        """Name the scheme."""
        return {"WWW-Authenticate": "Bearer"}


def metrics_router(meters: Meters, settings: ServeSettings) -> APIRouter:
    """Return the router of /metrics.

    It asks for no key of the database: the metrics must be readable while that is down.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Give all metrics in Prometheus' text format, ready or not."""
        if not _may_read(request.headers.get("authorization", ""), settings):
            raise MetricsKeyMissing()
        content = await asyncio.to_thread(generate_latest, meters.registry)
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


def _may_read(authorization: str, settings: ServeSettings) -> bool:
    if settings.metrics_key is None:
        return not settings.needs_api_key
    scheme, _, offered = authorization.partition(" ")
    expected = settings.metrics_key.get_secret_value().encode()
    return scheme.lower() == "bearer" and compare_digest(offered.strip().encode(), expected)
