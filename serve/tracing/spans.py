"""A span a request, which says no more than the request's log line does."""

from __future__ import annotations

from importlib.metadata import version

from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FAILURE = 500


def new_provider(processor: SpanProcessor) -> TracerProvider:
    """Return a provider of this service's spans; OTEL_RESOURCE_ATTRIBUTES may add to the resource."""
    resource = Resource.create({SERVICE_NAME: "paidan", SERVICE_VERSION: version("paidan")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    return provider


class RequestSpans:
    """Makes a span of each request, a child of the caller's if it sends `traceparent`.

    The instrumentation that OpenTelemetry has for FastAPI would put addresses with their queries, clients'
    addresses and exceptions' messages into the span, any of which may hold what a ticket says. This one names
    the route, the method, the status, the problem and the request's id, and records no exception.
    """

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self._app = app
        self._tracer = provider.get_tracer("paidan", version("paidan"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        status: int | None = None

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.start_as_current_span(
            scope["method"],
            context=extract(carrier),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, send_noting_status)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", route)
                span.set_attribute("paidan.request_id", scope.get("request_id", ""))
                if status is not None:
                    span.set_attribute("http.response.status_code", status)
                if "problem" in scope:
                    span.set_attribute("error.type", scope["problem"])
                if status is None or status >= _FAILURE:
                    span.set_status(Status(StatusCode.ERROR))
