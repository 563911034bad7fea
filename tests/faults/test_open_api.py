"""What the OpenAPI document says, held against a real server by schemathesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from form import FULL
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance
from serving_process import ServerProcess

from serve.app import create_app
from serve.security.keys import ApiKeys, Scope
from serve.settings import load_settings
from serve.store.engine import Store
from serve.store.schema import upgrade

KNOWN = 8
"""Shorter strings may stand in an answer by chance."""

Note = Callable[[str, str], None]


class Api:
    """A server, its description, and all that was sent to it."""

    def __init__(self, server: ServerProcess, key: str | None) -> None:
        self.server = server
        self.session = requests.Session()
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.sent: set[str] = set()
        self.calls = 0

    def call(self, case: schemathesis.Case, **headers: str) -> schemathesis.Response:
        """Send a case; remember its words."""
        self.calls += 1
        # Schemathesis sends words of ours back, too: those are all ASCII.
        words = {word for word in words_of(case.body) if len(word) >= KNOWN and not word.isascii()}
        self.sent |= words
        response = case.call(
            base_url=f"http://127.0.0.1:{self.server.port}",
            session=self.session,
            headers=self.headers | headers,
            timeout=30,
        )
        if response.status_code >= 400:
            said = response.content.decode()
            assert not [word for word in words if word in said], "an error repeats what was sent"
        return response


def words_of(content: Any) -> Iterator[str]:
    """Yield every string of a body, names of fields too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield str(name)
            yield from words_of(value)
    elif isinstance(content, list):
        for value in content:
            yield from words_of(value)


@pytest.fixture(scope="module", params=["open", "with keys"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder: Path = tmp_path_factory.mktemp("api")
    url = f"sqlite:///{folder / 'paidan.db'}"
    store = Store.open(url)
    upgrade(store)
    key = None
    if request.param == "with keys":
        key = ApiKeys(store).create("schemathesis", list(Scope), days=None, by="test")
    store.close()
    server = ServerProcess(folder, database_url=url, require_api_key=str(key is not None).lower())
    server.start()
    yield Api(server, key)
    server.stop()


schema = schemathesis.openapi.from_dict(create_app(load_settings(database_url=None)).openapi())
schema.config.generation.update(max_examples=2000 if FULL else 20)
calm = settings(deadline=None, database=None, derandomize=not FULL, suppress_health_check=list(HealthCheck))


@schema.parametrize()
@calm
def test_answers_are_as_described(case: schemathesis.Case, api: Api) -> None:
    response = api.call(case)
    # A schema cannot say that a text must hold a word: 422 may be the answer to what it allows.
    excluded = [positive_data_acceptance]
    if response.status_code == 503 and case.path == "/v1/similar":  # the stub has no vectors of texts
        excluded.append(not_a_server_error)
    case.validate_response(response, excluded_checks=excluded)


@schema.include(path_regex="^/v1/").parametrize()
@pytest.mark.parametrize("api", ["with keys"], indirect=True)
@calm
def test_without_a_valid_key_nothing_is_said(case: schemathesis.Case, api: Api) -> None:
    response = api.call(case, Authorization="Bearer pd_nobody")
    assert response.status_code in (401, 405, 413)


def test_nothing_that_was_sent_is_in_the_log(api: Api, note: Note) -> None:
    log = api.server.log
    found = [word for word in api.sent if word in log]
    assert not found
    assert "Traceback" not in log
    assert '"status": 500' not in log
    note(
        f"schemathesis on every operation, {'API keys required' if api.headers else 'no keys required'}",
        f"{api.calls:,} calls, no 5xx, statuses, headers and bodies as described, nothing of them in an error or the log",
    )
