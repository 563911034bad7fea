"""Structured logs, without anything that a ticket says."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

_FRAMES = 8


def current_request() -> str | None:
    """Return the id of the request that is being handled, for what goes on outside of its task."""
    request_id: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return request_id


def describe_error(error: BaseException) -> dict[str, object]:
    """Return what a log may hold of an exception: its class and where it came from.

    Its message is left out: libraries put into it what they were given, which may be ticket text.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _without_messages(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception attached to a log line by its class and frames."""
    attached = event.pop("exc_info", None)
    if attached is True:
        attached = sys.exc_info()
    error = attached[1] if isinstance(attached, tuple) else attached
    if isinstance(error, BaseException):
        event.update(describe_error(error))
    return event


def configure_logs(level: str) -> None:
    """Send every log line, uvicorn's too, to standard error as one JSON object."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,  # the id of the request
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_messages,
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
