"""What is written about the API is what the API is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from serve.api.answers import DecisionAnswer
from serve.api.requests import BatchRequest, Limits, TicketRequest, parse_body
from serve.app import create_app
from serve.errors import Problem
from serve.settings import load_settings

DOCS = Path("docs/api.md").read_text("utf-8")


@pytest.fixture(scope="module")
def document() -> dict:
    return create_app(load_settings()).openapi()


def test_snapshot_is_up_to_date(document: dict):
    committed = json.loads(Path("docs/openapi.json").read_text("utf-8"))
    assert committed == json.loads(json.dumps(document)), "run: paidan openapi > docs/openapi.json"


def test_every_reference_leads_somewhere(document: dict):
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


def test_every_route_is_documented(document: dict):
    assert [path for path in document["paths"] if f"`{path}`" not in DOCS and f" {path}`" not in DOCS] == []


def test_every_field_of_a_request_is_documented():
    assert [name for name in TicketRequest.model_fields if f"`{name}`" not in DOCS] == []


def test_every_field_of_an_answer_is_documented():
    assert [name for name in DecisionAnswer.model_fields if f"`{name}`" not in DOCS] == []


def test_every_kind_of_problem_is_documented():
    kinds = [kind.slug for kind in Problem.__subclasses__()]
    assert len(kinds) == len(set(kinds))
    assert [slug for slug in kinds if f"`{slug}`" not in DOCS] == []


def test_every_setting_is_documented_in_its_file():
    assert "configs/serve.yaml" in DOCS


def test_examples_of_the_document_are_accepted(document: dict):
    limits = Limits.from_settings(load_settings())
    for model in (TicketRequest, BatchRequest):
        for example in document["components"]["schemas"][model.__name__]["examples"]:
            parse_body(model, json.dumps(example).encode(), limits)


def test_commands_of_the_docs_exist():
    from serve.cli import commands

    known = {command.name or command.callback.__name__ for command in commands.registered_commands}
    known |= {group.name for group in commands.registered_groups}
    assert set(re.findall(r"`?paidan (\w+)", DOCS)) <= known
