"""Where traces go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from data.errors import PaidanError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class TracingError(PaidanError):
    """Traces are asked for and cannot be made."""


def add_tracing(app: Starlette, endpoint: str) -> TracerProvider:
    """Make a span of every request and send them to `endpoint` (OTLP over HTTP).

    To be called last: the span is around all other middleware. Spans are sent by a thread of their own; what
    is left when the process ends is sent then.

    Raises:
        TracingError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from serve.tracing.spans import RequestSpans, new_provider
    except ImportError as error:
        raise TracingError(
            f"traces are asked for, but {error.name} is not installed",
            where="setting tracing_endpoint",
            fix="pip install 'paidan[tracing]', or set tracing_endpoint to null.",
        ) from error
    provider = new_provider(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    app.add_middleware(RequestSpans, provider=provider)
    return provider
