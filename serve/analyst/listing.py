"""What the page shows of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from model.errors import ArtifactError
from model.policy_trial import ANSWERS
from model.promotion import GATE, NOT_COMPARED, UNUSABLE, closed_gates
from model.registry import COMPARISON, Change, Entry, Registry

T = TypeVar("T")

REPORT = "report.html"

GATES: Mapping[str, str] = {
    "tickets": "测试工单够多",
    "top1": "总体首选不变差",
    "family": "各类单位不变差",
    "auto_share": "自动派单不变少",
    "calibration": "分数可信",
    "auto_precision": "自动派单守住承诺",
    "latency": "速度不变慢",
}
"""What the page calls a gate."""

_REASONS = {GATE: "把关：", NOT_COMPARED: "没有对比：", UNUSABLE: "对比不能用："}


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
    """Read the registry; what of it cannot be read is left out, so that the rest can be mended by it."""
    current, shadow = _if_readable(registry.current), _if_readable(registry.shadow)
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
        list(reversed(_if_readable(registry.history) or [])),
        len(_if_readable(registry.line) or []) > 1,
    )


def in_chinese(reason: str) -> str:
    """Return what stands against a promotion, as `closed_gates` says it, in Chinese."""
    for beginning, words in _REASONS.items():
        if reason.startswith(beginning):
            rest = reason.removeprefix(beginning).strip()
            return words + GATES.get(rest, rest)
    return reason


def _if_readable(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ArtifactError:
        return None


def _line(registry: Registry, entry: Entry, *, is_current: bool, is_shadow: bool) -> Line:
    reports = registry.reports(entry.name)
    closed = () if is_current else _if_readable(lambda: closed_gates(registry, entry.name)) or ()
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
        closed=[in_chinese(reason) for reason in closed],
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
