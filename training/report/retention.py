"""Ticket texts taken out of old reports; every figure, name of a unit and ticket id stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from model.decision import PlaceStatus
from model.registry import REPORTS
from training.errors import TrainingError
from training.quality.lists import write_text
from training.report.page import render_page
from training.report.writing import FIGURES, PAGE, json_text

_STATUSES = {status.value for status in PlaceStatus}


def purge_reports(registry: Path, days: int) -> list[str]:
    """Take the texts out of the registry's reports older than `days` days; return the entries that had some.

    The page is written first: a report whose figures still say that it has texts is taken up again.

    Raises:
        TrainingError: a report cannot be read or written.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    emptied = []
    for path in sorted((registry / REPORTS).glob(f"*/{FIGURES}")):
        content = _read(path)
        if not content["with_texts"] or datetime.fromisoformat(content["created_at"]) >= before:
            continue
        left = without_texts(content)
        write_text(path.parent / PAGE, render_page(left))
        write_text(path, json_text(left))
        emptied.append(path.parent.name)
    return emptied


def without_texts(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a report as `report_content` gives it without texts."""
    left = {**content, "with_texts": False}
    left["misses"] = [
        miss | {"text": None, "reasons": [], "place": _status(miss["place"])} for miss in content["misses"]
    ]
    if content.get("examples_of_flips"):
        left["examples_of_flips"] = [flip | {"text": None} for flip in content["examples_of_flips"]]
    return left


def _status(place: str) -> str:
    """Return the status of a place; one that has a name was resolved."""
    return place if place in _STATUSES else PlaceStatus.RESOLVED.value


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = content["with_texts"], content["created_at"], content["misses"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(
            f"unreadable ({type(error).__name__})",
            where=str(path),
            expected="a report.json that `paidan report` wrote",
            fix="Write the report anew, or remove its folder.",
        ) from error
    return content
