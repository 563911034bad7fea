from __future__ import annotations

import json
import logging

import pytest
import structlog

from serve.logs import configure_logs


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_lines_are_json(capsys: pytest.CaptureFixture[str]):
    configure_logs("info")
    structlog.get_logger("x").info("ready", model="m")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["model"]) == ("ready", "info", "m")
    assert "timestamp" in line


def test_level_is_respected(capsys: pytest.CaptureFixture[str]):
    configure_logs("warning")
    structlog.get_logger("x").info("ready")
    assert capsys.readouterr().err == ""


def test_exceptions_of_other_loggers_lose_their_message(capsys: pytest.CaptureFixture[str]):
    configure_logs("info")
    try:
        raise ValueError("canary")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    out = capsys.readouterr().err
    assert json.loads(out)["error"] == "builtins.ValueError"
    assert "canary" not in out


def test_lines_written_while_a_request_is_handled_bear_its_id(capsys: pytest.CaptureFixture[str]):
    configure_logs("info")
    with structlog.contextvars.bound_contextvars(request_id="hotline-0001"):
        structlog.get_logger("x").info("inside")
    structlog.get_logger("x").info("outside")
    inside, outside = map(json.loads, capsys.readouterr().err.splitlines())
    assert inside["request_id"] == "hotline-0001"
    assert "request_id" not in outside
