"""A span a request, that says nothing of the ticket."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from serve.app import create_app
from serve.tracing.setup import TracingError, add_tracing
from serve.tracing.spans import RequestSpans, new_provider

pytestmark = pytest.mark.anyio

TICKET = {"ticket_id": "canary", "text": "东湖区停水 canary", "title": "canary", "address": "canary"}


@asynccontextmanager
async def traced(settings, scorer) -> AsyncIterator[tuple[httpx.AsyncClient, InMemorySpanExporter]]:
    app, exporter = create_app(settings, scorer), InMemorySpanExporter()
    app.add_middleware(RequestSpans, provider=new_provider(SimpleSpanProcessor(exporter)))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client, exporter


async def test_every_request_has_a_span(make_settings, scorer):
    async with traced(make_settings(), scorer) as (client, exporter):
        response = await client.post("/v1/score", json=TICKET)
        await client.get("/readyz")
    scoring, ready = exporter.get_finished_spans()
    assert (scoring.name, ready.name) == ("POST /v1/score", "GET /readyz")
    assert scoring.kind is SpanKind.SERVER
    assert dict(scoring.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/score",
        "http.response.status_code": 200,
        "paidan.request_id": response.headers["x-request-id"],
    }
    assert scoring.resource.attributes["service.name"] == "paidan"


async def test_a_span_says_nothing_of_the_ticket_or_the_address(make_settings, scorer):
    headers = {"user-agent": "canary", "cookie": "canary=1", "baggage": "canary=canary"}
    async with traced(make_settings(), scorer) as (client, exporter):
        await client.post("/v1/score?canary=1", json=TICKET, headers=headers)
        await client.post("/v1/score", json=TICKET | {"text": "poison canary"}, headers=headers)
        await client.post("/v1/score", json=TICKET | {"canary": 1}, headers=headers)
        await client.get("/canary", headers=headers)
    spans = exporter.get_finished_spans()
    assert len(spans) == 4
    assert "canary" not in "".join(span.to_json() for span in spans)


async def test_a_failure_is_marked_by_the_name_of_its_problem(make_settings, scorer):
    async with traced(make_settings(), scorer) as (client, exporter):
        await client.post("/v1/score", json=TICKET | {"text": "poison"})
        await client.post("/v1/score", json={})
    failed, refused = exporter.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "scoring-failed"
    assert refused.status.status_code is StatusCode.UNSET
    assert refused.attributes["error.type"] == "invalid-request"


async def test_a_bug_ends_its_span_without_its_message(make_settings, scorer, monkeypatch):
    def broken(_: object) -> bytes:
        raise ValueError("canary")

    monkeypatch.setattr("serve.api.routes.decision_bytes", broken)
    async with traced(make_settings(), scorer) as (client, exporter):
        await client.post("/v1/score", json=TICKET)
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.events == ()
    assert "canary" not in span.to_json()


async def test_a_span_continues_the_callers_trace(make_settings, scorer):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with traced(make_settings(), scorer) as (client, exporter):
        await client.get("/healthz", headers={"traceparent": f"00-{trace}-{parent}-01"})
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == trace
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == parent


class Collector(HTTPServer):
    bodies: list[bytes]


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = Collector(("127.0.0.1", 0), Handler)
    server.bodies = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_spans_reach_a_collector(make_settings, scorer, collector: Collector):
    import gzip

    app = create_app(make_settings(), scorer)
    provider = add_tracing(app, f"http://127.0.0.1:{collector.server_address[1]}/v1/traces")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        await client.get("/healthz?canary=1")
    provider.shutdown()
    sent = b"".join(gzip.decompress(b) if b[:2] == b"\x1f\x8b" else b for b in collector.bodies)
    assert b"GET /healthz" in sent
    assert b"canary" not in sent


def test_the_setting_turns_traces_on(make_settings, scorer):
    app = create_app(make_settings(tracing_endpoint="http://127.0.0.1:1/v1/traces"), scorer)
    (spans,) = [m for m in app.user_middleware if m.cls is RequestSpans]
    assert app.user_middleware[0] is spans  # outermost
    spans.kwargs["provider"].shutdown()


@pytest.mark.parametrize("endpoint", ["collector:4318", "grpc://collector:4317", "http://"])
def test_an_endpoint_that_is_no_address_is_refused(make_settings, endpoint: str):
    from serve.settings import ServeSettingsError

    with pytest.raises(ServeSettingsError, match="tracing_endpoint"):
        make_settings(tracing_endpoint=endpoint)


def test_fastapi_sends_nothing_by_itself():
    """It would, with addresses and queries, once a global provider is set."""
    code = """
import asyncio, httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from serve.app import create_app
from serve.settings import load_settings

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

async def call():
    transport = httpx.ASGITransport(create_app(load_settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/healthz?canary=1")

asyncio.run(call())
print(len(exporter.get_finished_spans()))
"""
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (result.stdout.splitlines()[-1], result.stderr) == ("0", "")


def test_off_imports_nothing_of_it():
    code = (
        "import sys\n"
        "from serve.app import create_app\n"
        "from serve.settings import load_settings\n"
        "create_app(load_settings())\n"
        "traced = ('opentelemetry.sdk', 'opentelemetry.exporter', 'serve.tracing.spans')\n"
        "print([name for name in sys.modules if name.startswith(traced)])"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


@pytest.mark.parametrize(
    "missing", ["opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter"]
)
def test_not_installed_says_what_to_install(make_settings, scorer, monkeypatch, missing: str):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "serve.tracing.spans", raising=False)
    with pytest.raises(TracingError, match=r"not installed.*paidan\[tracing\]"):
        create_app(make_settings(tracing_endpoint="http://127.0.0.1:4318/v1/traces"), scorer)
