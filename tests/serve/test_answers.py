from __future__ import annotations

import orjson

from data.tickets.ticket import Ticket
from serve.api.answers import DecisionAnswer, batch_bytes, decision_bytes
from serve.api.examples import ANSWER


def test_decision_becomes_exactly_this_json(decision_on):
    answer = orjson.loads(decision_bytes(decision_on(Ticket("t1", "东湖区燃气"), 1)))
    span = {"start": 0, "end": 3, "text": "东湖区"}
    area = {"code": "d", "name": "东湖区", "path": ["山海市", "东湖区"]}
    assert answer == {
        "ticket_id": "t1",
        "level": "suggest",
        "mode": "dual",
        "candidates": [
            {
                "department": {"code": "u0", "name": "单位0", "kind": "district_bureau"},
                "role": "lead",
                "jurisdiction": area,
                "score": 0.1235,
                "reasons": [{"kind": "place", "text": "诉求发生在东湖区", "spans": [span]}],
            },
            {
                "department": {"code": "t", "name": "东湖街道办事处", "kind": "subdistrict_office"},
                "role": "assisting",
                "jurisdiction": area,
                "score": None,
                "reasons": [],
            },
        ],
        "issue_category": {"code": "k", "name": "占道经营", "score": 0.8, "time_limit_hours": 40},
        "jurisdiction": {
            "status": "resolved",
            "code": "d",
            "path": ["山海市", "东湖区"],
            "score": 0.9,
            "evidence": [span],
            "options": [],
        },
        "flags": ["danger"],
        "demands": [],
        "answered_by": "model",
        "degraded": False,
        "stored": False,
        "versions": {"model": "model-1", "catalog": "catalog-1", "policy": "policy-1"},
    }


def test_ambiguous_place_names_its_options(decision_on):
    place = orjson.loads(decision_bytes(decision_on(Ticket("t1", "停水"))))["jurisdiction"]
    assert (place["status"], place["code"]) == ("ambiguous", None)
    assert place["options"] == [{"code": "d", "name": "东湖区"}]


def test_batch_is_made_of_the_very_bytes_of_single_answers(decision_on):
    decisions = [decision_on(Ticket(f"t{i}", "停水")) for i in range(2)]
    one, two = map(decision_bytes, decisions)
    assert batch_bytes(decisions) == b'{"decisions":[' + one + b"," + two + b"]}"


def test_documented_example_has_the_shape_of_an_answer():
    assert DecisionAnswer.model_validate(ANSWER).model_dump(mode="json") == ANSWER


def test_spans_of_the_documented_example_are_right():
    from serve.api.examples import WARM_UP_TEXTS

    span = ANSWER["candidates"][0]["reasons"][0]["spans"][0]
    assert WARM_UP_TEXTS[0][span["start"] : span["end"]] == span["text"]
