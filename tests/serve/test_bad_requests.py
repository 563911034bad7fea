from __future__ import annotations

import json
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.api.requests import BatchRequest, Limits, TicketRequest, parse_body
from serve.errors import InvalidRequest, MalformedBody

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
LIMITS = Limits(text_length=20_000, batch_tickets=256, top_k=20)


def ticket(**changes: object) -> dict[str, object]:
    return {"ticket_id": "a", "text": "停水"} | changes


async def post(client: httpx.AsyncClient, body: bytes, path: str = "/v1/score") -> httpx.Response:
    response = await client.post(path, content=body, headers=JSON)
    assert response.headers["content-type"] == "application/problem+json"
    return response


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"ticket_id":"a","text":"\xff"}',
        b'{"ticket_id":"a","text":"\\ud800"}',
        b'{"ticket_id":"a","text":"\x00"}',
        b'{"ticket_id":"a","text":"b","location":{"lon":NaN,"lat":1}}',
        b'{"ticket_id":"a","text":"b","location":{"lon":-Infinity,"lat":1}}',
        b'{"ticket_id":"a","text":"b","location":{"lon":1e999,"lat":1}}',
        b'{"ticket_id":"a","text":"b","top_k":' + b"9" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
async def test_what_is_no_json_gives_400(client: httpx.AsyncClient, body: bytes):
    assert (await post(client, body)).status_code == 400


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"a"', b"[" * 500 + b"]" * 500])
async def test_other_json_than_an_object_gives_422(client: httpx.AsyncClient, body: bytes):
    response = await post(client, body)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"pointer": "", "detail": "not a JSON object"}]


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t\u3000", "😀😀", "！！！。。。", "\u0000", "\u200b", "😀 ？"]
)
async def test_text_without_a_word_gives_422(client: httpx.AsyncClient, text: str):
    response = await client.post("/v1/score", json=ticket(text=text))
    assert response.status_code == 422
    assert response.json()["errors"] == [{"pointer": "/text", "detail": "no readable text"}]


async def test_text_of_50_000_characters_gives_422(client: httpx.AsyncClient):
    response = await client.post("/v1/score", json=ticket(text="水" * 50_000))
    assert response.status_code == 422
    assert response.json()["errors"] == [{"pointer": "/text", "detail": "over 20000 characters"}]


async def test_text_at_the_limit_is_taken(client: httpx.AsyncClient):
    assert (await client.post("/v1/score", json=ticket(text="水" * 20_000))).status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ticket_id": 5}, "/ticket_id"),
        ({"ticket_id": ""}, "/ticket_id"),
        ({"ticket_id": "a\u0000b"}, "/ticket_id"),
        ({"ticket_id": "x" * 129}, "/ticket_id"),
        ({"text": None}, "/text"),
        ({"text": ["停水"]}, "/text"),
        ({"title": "x" * 501}, "/title"),
        ({"channel": 1}, "/channel"),
        ({"created_at": "yesterday"}, "/created_at"),
        ({"created_at": 1525132800}, "/created_at"),
        ({"created_at": "1525132800"}, "/created_at"),
        ({"created_at": "0001-01-01T00:00:00"}, "/created_at"),
        ({"created_at": "9999-12-31T23:59:59-23:00"}, "/created_at"),
        ({"location": [116, 39]}, "/location"),
        ({"location": {"lon": 181, "lat": 0}}, "/location/lon"),
        ({"location": {"lon": "116", "lat": 0}}, "/location/lon"),
        ({"location": {"lon": 116}}, "/location/lat"),
        ({"location": {"lon": 116, "lat": 39, "alt": 5}}, "/location/alt"),
        ({"top_k": 0}, "/top_k"),
        ({"top_k": 21}, "/top_k"),
        ({"top_k": True}, "/top_k"),
        ({"top_k": 1.5}, "/top_k"),
        ({"txet": "停水"}, "/txet"),
    ],
)
async def test_wrong_field_is_named(client: httpx.AsyncClient, changes: dict[str, object], pointer: str):
    response = await client.post("/v1/score", json=ticket(**changes))
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_all_faults_of_a_batch_are_named_with_their_index(client: httpx.AsyncClient):
    tickets = [ticket(), ticket(text=" "), ticket(), {"text": "停水"}]
    response = await client.post("/v1/score/batch", json={"tickets": tickets})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"pointer": "/tickets/1/text", "detail": "no readable text"},
        {"pointer": "/tickets/3/ticket_id", "detail": "required"},
    ]


@pytest.mark.parametrize("count", [0, 257])
async def test_batch_of_too_few_or_too_many_gives_422(client: httpx.AsyncClient, count: int):
    response = await client.post("/v1/score/batch", json={"tickets": [ticket()] * count})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/tickets"]


async def test_no_more_than_a_hundred_faults_are_listed(client: httpx.AsyncClient):
    response = await client.post("/v1/score/batch", json={"tickets": [{"x": 1}] * 200})
    assert len(response.json()["errors"]) == 100
    assert "600 faults" in response.json()["detail"]


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-json"}]
)
async def test_other_media_type_gives_415(client: httpx.AsyncClient, headers: dict[str, str]):
    response = await client.post("/v1/score", content=b'{"ticket_id":"a","text":"b"}', headers=headers)
    assert response.status_code == 415


async def test_charset_parameter_is_tolerated(client: httpx.AsyncClient):
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    response = await client.post("/v1/score", content=b'{"ticket_id":"a","text":"b"}', headers=headers)
    assert response.status_code == 200


CANARY = "canary"


@pytest.mark.parametrize(
    "body",
    [
        ticket(ticket_id=[CANARY]),
        ticket(text={CANARY: 1}),
        ticket(text="", title=CANARY),
        ticket(created_at=CANARY),
        ticket(created_at=f"2018-05-01{CANARY}"),
        ticket(location=CANARY),
        ticket(location={"lon": CANARY, "lat": CANARY}),
        ticket(top_k=CANARY),
        ticket(**{f"市民{CANARY}": 1}),
        ticket(**{f"{CANARY} 13900000000": 1}),
        {"tickets": CANARY},
    ],
)
async def test_errors_never_repeat_what_was_sent(client: httpx.AsyncClient, body: dict[str, object]):
    for path, content in (("/v1/score", body), ("/v1/score/batch", {"tickets": [body]})):
        response = await client.post(path, json=content)
        assert response.status_code == 422
        assert CANARY not in response.text


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([*TicketRequest.model_fields, "tickets", "lon"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _JSON_VALUES, max_size=6))
def test_any_json_is_taken_or_refused(content: dict[str, object]):
    for model in (TicketRequest, BatchRequest):
        with suppress(InvalidRequest, MalformedBody):
            parse_body(model, json.dumps(content).encode(), LIMITS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(body: bytes):
    with suppress(InvalidRequest, MalformedBody):
        parse_body(TicketRequest, body, LIMITS)
