"""What the page shows of the registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.errors import ArtifactError
from model.policy_trial import ANSWERS
from model.promotion import closed_gates
from model.registry import COMPARISON, Change, Entry, Registry

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class GateLine:
    """A gate of a comparison: its name, whether it is open, its figure and bound as text, and a detail."""

    name: str
    passed: bool
    figure: str
    bound: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the registry. `closed` says what stands against promoting it."""

    name: str
    trained: str
    model: str
    policy: str
    top1: float | None
    is_current: bool
    is_shadow: bool
    has_report: bool
    has_answers: bool
    gates: Sequence[GateLine]
    closed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """The registry as it is: `history` the latest first."""

    lines: Sequence[Line]
    history: Sequence[Change]
    may_roll_back: bool


def read_listing(registry: Registry) -> Listing:
    """Read the registry; an entry whose reports cannot be read is shown without them."""
    current, shadow = registry.current(), registry.shadow()
    return Listing(
        [
            _line(
                registry,
                entry,
                is_current=current is not None and entry.name == current.name,
                is_shadow=shadow is not None and entry.name == shadow.name,
            )
            for entry in registry.entries()
        ],
        list(reversed(registry.history())),
        len(registry.line()) > 1,
    )


def _line(registry: Registry, entry: Entry, *, is_current: bool, is_shadow: bool) -> Line:
    reports = registry.reports(entry.name)
    try:
        closed: Sequence[str] = () if is_current else closed_gates(registry, entry.name)
    except ArtifactError as error:
        closed = (str(error),)
    return Line(
        name=entry.name,
        trained=entry.manifest.created_at,
        model=entry.manifest.model_version,
        policy=entry.manifest.policy_version,
        top1=entry.manifest.metrics.get("calibration_top1"),
        is_current=is_current,
        is_shadow=is_shadow,
        has_report=(reports / REPORT).is_file(),
        has_answers=(reports / ANSWERS).is_file(),
        gates=_gates(reports / COMPARISON),
        closed=closed,
    )


def _gates(path: Path) -> list[GateLine]:
    try:
        gates = json.loads(path.read_text("utf-8"))["gates"]
        return [
            GateLine(
                gate["name"],
                gate["passed"],
                _figure(gate.get("figure")),
                _figure(gate.get("bound")),
                gate.get("detail", ""),
            )
            for gate in gates
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "—"
