"""The Python client against the real application, and against one that fails in every way."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import httpx
import pytest

from data.catalog.entries import DispatchMode
from data.feedback import FeedbackKind
from model import decision as domain
from serve.api.answers import DecisionAnswer, OutcomeAnswer
from serve.api.requests import FeedbackRequest, TicketRequest
from serve.app import create_app
from serve.client import (
    AsyncPaidanClient,
    BadRequestError,
    BusyError,
    ConflictError,
    Decision,
    Event,
    KeyRefusedError,
    NoAnswerError,
    Outcome,
    PaidanClient,
    ServiceError,
    Ticket,
    UnavailableError,
    UnreadableAnswerError,
    answers,
    requests,
    retrying,
)
from serve.feedback.events import ReturnReason as Reasons

pytestmark = pytest.mark.anyio

TICKET = Ticket(
    "a",
    "东湖区停水，燃气味",
    title="停水",
    location=(110.3, 20.0),
    created_at=datetime(2026, 5, 1, tzinfo=UTC),
)
EVENT = Event("e1", "a", "returned", datetime(2026, 5, 2, tzinfo=UTC), unit="u0", reason="jurisdiction")


@pytest.fixture
def running(make_settings, tmp_path: Path) -> Callable[..., object]:
    """Return `running(scorer, **settings)`: a context with an AsyncPaidanClient of a running application."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def context(scorer, *, api_key: str | None = None, retries: int = 0, **options):
        options.setdefault("write_ahead_file", tmp_path / "waiting.log")
        app = create_app(make_settings(**options), scorer)
        async with (
            app.router.lifespan_context(app),
            AsyncPaidanClient(
                "http://test", api_key=api_key, retries=retries, transport=httpx.ASGITransport(app)
            ) as client,
        ):
            yield client

    return context


# --- the real service ---------------------------------------------------------


async def test_a_decision_arrives_as_the_service_gave_it(running, scorer, decision_on):
    async with running(scorer) as client:
        decision = await client.score(TICKET)
    expected = DecisionAnswer.from_decision(decision_on(domain_ticket())).model_dump(mode="json")
    assert decision == Decision.from_json(expected)
    assert (decision.ticket_id, decision.level, decision.flags) == ("a", "suggest", ("danger",))
    assert decision.candidates[0].department.code == "u0"
    assert decision.candidates[0].reasons[0].spans[0].text == "东湖区"
    assert decision.candidates[-1].score is None
    assert decision.jurisdiction.path == ("山海市", "东湖区")
    assert decision.issue_category is not None
    assert decision.issue_category.time_limit_hours == 40


def domain_ticket():
    from data.tickets.ticket import Ticket as DomainTicket

    return DomainTicket(TICKET.ticket_id, TICKET.text)


async def test_a_batch_comes_in_order(running, scorer):
    async with running(scorer) as client:
        decisions = await client.score_batch([Ticket(str(i), "停水", top_k=1 + i % 2) for i in range(7)])
    assert [decision.ticket_id for decision in decisions] == list("0123456")
    assert len(decisions[1].candidates) == 3


async def test_feedback_says_what_is_known(running, scorer, tmp_path: Path):
    async with running(scorer, database_url=f"sqlite:///{tmp_path / 'p.db'}") as client:
        assert (await client.score(TICKET)).stored
        outcome = await client.feedback(EVENT)
        assert outcome == Outcome("a", "u0", None, None, ("u0",))
        assert await client.feedback(EVENT) == outcome
        with pytest.raises(ConflictError) as refused:
            await client.feedback(Event("e1", "a", "closed", EVENT.happened_at))
    assert refused.value.slug == "event-contradicted"


async def test_ready_follows_the_service(running, scorer, make_settings):
    async with running(scorer) as client:
        assert await client.ready()
    not_started = create_app(make_settings(), scorer)
    async with AsyncPaidanClient("http://test", transport=httpx.ASGITransport(not_started)) as client:
        assert not await client.ready()


async def test_a_refused_ticket_says_what_is_wrong_and_which_call_it_was(running, scorer):
    async with running(scorer, retries=3) as client:
        with pytest.raises(BadRequestError) as refused:
            await client.score_batch([TICKET, Ticket("b", "？！")])
    error = refused.value
    assert (error.status, error.slug) == (422, "invalid-request")
    assert [fault.pointer for fault in error.faults] == ["/tickets/1/text"]
    assert len(error.request_id) == 32
    assert error.request_id in str(error)


async def test_a_failed_batch_is_not_tried_again(running, scorer):
    async with running(scorer, retries=3) as client:
        with pytest.raises(ServiceError) as failed:
            await client.score(Ticket("a", "poison"))
    assert failed.value.slug == "scoring-failed"
    assert scorer.scored_ids == ["a"]


async def test_a_key_is_shown(running, scorer, sqlite_url: str):
    from serve.security.keys import ApiKeys, Scope
    from serve.store.engine import Store

    store = Store.open(sqlite_url)
    key = ApiKeys(store).create("hotline", [Scope.SCORE], days=None, by="test")
    store.close()
    async with running(scorer, api_key=key, require_api_key=True, database_url=sqlite_url) as client:
        assert (await client.score(TICKET)).ticket_id == "a"
        with pytest.raises(KeyRefusedError) as refused:
            await client.feedback(EVENT)
    assert (refused.value.status, refused.value.slug) == (403, "scope-missing")


async def test_a_stopped_service_is_unavailable(make_settings, scorer):
    app = create_app(make_settings(), scorer)
    async with AsyncPaidanClient("http://test", retries=0, transport=httpx.ASGITransport(app)) as client:
        with pytest.raises(UnavailableError) as refused:
            await client.score(TICKET)
    assert refused.value.slug == "not-ready"


def test_the_waiting_client_over_a_socket(make_settings, scorer):
    import uvicorn

    app = create_app(make_settings(artifact_check_seconds=None), scorer)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        ends = monotonic() + 60
        while not server.started and monotonic() < ends:
            threading.Event().wait(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        with PaidanClient(f"http://127.0.0.1:{port}/") as client:
            assert client.ready()
            assert client.score(TICKET).ticket_id == "a"
            assert [d.ticket_id for d in client.score_batch([TICKET, Ticket("b", "停水")])] == ["a", "b"]
    finally:
        server.should_exit = True
        thread.join(60)


# --- a service that fails -----------------------------------------------------


class Flaky:
    """Answers calls one after the other as it is told, then well; remembers when and how they came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        self.calls: list[tuple[float, str]] = []


GOOD = b'{"ticket_id":"a","model":null,"operator":null,"held":null,"returned":[]}'


@contextmanager
def flaky_server() -> Iterator[Flaky]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            flaky.calls.append((monotonic(), self.headers["x-request-id"]))
            answer = flaky.answers.pop(0) if flaky.answers else (200, {}, GOOD)
            if answer is None:  # hang up
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    flaky = Flaky(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield flaky
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    with flaky_server() as server:
        yield server


def test_busy_unavailable_and_broken_connections_are_tried_again(flaky: Flaky):
    flaky.answers = [(429, {}, b""), (503, {}, b""), None]
    with PaidanClient(flaky.url) as client:
        assert client.feedback(EVENT).ticket_id == "a"
    assert len(flaky.calls) == 4
    assert len({request_id for _, request_id in flaky.calls}) == 1


def test_retry_after_is_waited_for(flaky: Flaky):
    flaky.answers = [(429, {"retry-after": "1"}, b"")]
    with PaidanClient(flaky.url) as client:
        client.feedback(EVENT)
    (first, _), (second, _) = flaky.calls
    assert 1 <= second - first < 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 502, 504])
def test_nothing_else_is_tried_again(flaky: Flaky, status: int):
    flaky.answers = [(status, {"retry-after": "1"}, b"<html>a proxy</html>")]
    with PaidanClient(flaky.url) as client, pytest.raises((BadRequestError, ServiceError)) as refused:
        client.feedback(EVENT)
    assert len(flaky.calls) == 1
    assert (refused.value.status, refused.value.slug) == (status, None)


def test_retries_end(flaky: Flaky):
    flaky.answers = [(429, {}, b"")] * 9
    with PaidanClient(flaky.url, retries=2) as client, pytest.raises(BusyError):
        client.feedback(EVENT)
    assert len(flaky.calls) == 3


def test_a_pause_that_the_time_does_not_allow_is_not_begun(flaky: Flaky):
    flaky.answers = [(503, {"retry-after": "60"}, b"")]
    started = monotonic()
    with PaidanClient(flaky.url, timeout=2) as client, pytest.raises(UnavailableError):
        client.feedback(EVENT)
    assert monotonic() - started < 2
    assert len(flaky.calls) == 1


def test_all_attempts_together_keep_the_time(flaky: Flaky):
    flaky.answers = [(503, {}, b"")] * 99
    started = monotonic()
    with PaidanClient(flaky.url, timeout=0.8, retries=99) as client, pytest.raises(UnavailableError):
        client.feedback(EVENT)
    assert monotonic() - started < 2
    assert 1 < len(flaky.calls) < 9


def test_nobody_there_is_said_so():
    with PaidanClient("http://127.0.0.1:1", timeout=0.5, retries=1) as client:
        assert not client.ready()
        with pytest.raises(NoAnswerError, match="ConnectError") as lost:
            client.score(TICKET)
    assert len(lost.value.request_id) == 32


def test_a_wrong_address_is_not_tried_again():
    started = monotonic()
    with PaidanClient("localhost:1", timeout=5, retries=99) as client, pytest.raises(NoAnswerError):
        client.score(TICKET)
    assert monotonic() - started < 4


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"ticket_id": "canary"}', b"\xff"])
def test_an_answer_that_is_none_is_an_error_without_its_content(flaky: Flaky, body: bytes):
    flaky.answers = [(200, {}, body)]
    with PaidanClient(flaky.url) as client, pytest.raises(UnreadableAnswerError) as unreadable:
        client.feedback(EVENT)
    assert "canary" not in str(unreadable.value)
    assert unreadable.value.__cause__ is None


def test_decisions_on_other_tickets_are_not_taken():
    answer = httpx.Response(200, json={"decisions": []})
    transport = httpx.MockTransport(lambda _: answer)
    with PaidanClient("http://x", transport=transport) as client, pytest.raises(UnreadableAnswerError):
        client.score_batch([TICKET])


async def test_the_asyncio_client_tries_again_too(flaky: Flaky):
    flaky.answers = [(429, {}, b""), None]
    async with AsyncPaidanClient(flaky.url) as client:
        outcomes = await asyncio.gather(client.feedback(EVENT), client.feedback(EVENT))
    assert [outcome.ticket_id for outcome in outcomes] == ["a", "a"]
    assert len(flaky.calls) == 4


def test_pauses_grow_and_differ():
    refused = httpx.Response(503)
    firsts, thirds = set(), set()
    for _ in range(20):
        attempts = retrying.Attempts(60, 3)
        pauses = [attempts.pause_after(refused) for _ in range(4)]
        assert pauses[3] is None
        firsts.add(pauses[0])
        thirds.add(pauses[2])
    assert len(firsts) == 20
    assert max(firsts) < min(thirds)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3), (" 3 ", 3), ("", 0), ("-1", 0), ("soon", 0), ("٣", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 21 Oct 2015 07:28:00", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float):
    assert retrying.retry_after(header) == seconds


def test_retry_after_may_be_a_date_to_come():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < retrying.retry_after(then) <= 30


# --- kept equal to the service ------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (DecisionAnswer, Decision),
        (OutcomeAnswer, Outcome),
        (TicketRequest, Ticket),
        (FeedbackRequest, Event),
    ],
)
def test_client_and_service_know_the_same_fields(there, here):
    assert {field.name for field in fields(here)} == set(there.model_fields)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (domain.Level, answers.Level),
        (domain.Role, answers.Role),
        (domain.AnsweredBy, answers.AnsweredBy),
        (domain.PlaceStatus, answers.PlaceStatus),
        (DispatchMode, answers.Mode),
        (FeedbackKind, requests.Kind),
        (Reasons, requests.ReturnReason),
    ],
)
def test_client_and_service_know_the_same_values(there, here):
    assert set(typing.get_args(here)) == {member.value for member in there}


def test_fields_of_a_newer_service_are_passed_over(decision_on):
    content = DecisionAnswer.from_decision(decision_on(domain_ticket())).model_dump(mode="json")
    assert Decision.from_json(content | {"new": 1}) == Decision.from_json(content)


def test_what_a_ticket_says_is_not_in_its_repr():
    said = Ticket("a", "canary", title="canary", address="canary", district="canary", location=(1.25, 2.5))
    assert "canary" not in repr(said)
    assert "1.25" not in repr(said)


def test_the_client_needs_nothing_else_of_paidan():
    code = (
        "import sys, serve.client\n"
        "ours = {n for n in sys.modules if n.partition('.')[0] in ('data', 'model', 'training', 'serve')}\n"
        "print(sorted(n for n in ours if n != 'serve' and not n.startswith('serve.client')),"
        " [n for n in ('pydantic', 'fastapi', 'numpy', 'structlog') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("[] []", "")


def test_every_error_is_documented():
    import serve.client

    docs = Path("docs/api.md").read_text("utf-8")
    errors = [name for name in serve.client.__all__ if name.endswith("Error")]
    assert [name for name in errors if f"`{name}`" not in docs] == []


def test_the_example_of_the_docs_runs(monkeypatch, capsys):
    from serve import client
    from serve.api.examples import ANSWER

    docs = Path("docs/api.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", docs, flags=re.S)

    class Here(PaidanClient):
        def __init__(self, base_url: str, **options: object) -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json=ANSWER))
            super().__init__(base_url, transport=transport, **options)

    monkeypatch.setattr(client, "PaidanClient", Here)
    exec(example, {})
    assert capsys.readouterr().out == "bj-chaoyang-chengguan\n"
