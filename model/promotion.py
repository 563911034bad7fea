"""What stands against a promotion: the gates that a comparison of champion and challenger found closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.artifact import Manifest
from model.errors import ArtifactError
from model.registry import COMPARISON, Registry

GATE, NOT_COMPARED, UNUSABLE = "gate", "it was not compared with", "its comparison cannot be used:"
"""How a reason begins."""


def closed_gates(registry: Registry, name: str) -> tuple[str, ...]:
    """Say what stands against promoting an entry, by what `paidan compare` found of it.

    Nothing does if nothing serves yet, and if the same model serves with another catalog or policy, whose
    trials are `paidan catalog apply --preview` and `paidan policy simulate`.

    Raises:
        ArtifactError: there is no such entry.
    """
    entry, current = registry.entry(name), registry.current()
    if current is None or current.manifest.model_version == entry.manifest.model_version:
        return ()
    comparison = registry.reports(entry.name) / COMPARISON
    if not comparison.exists():
        return (f"{NOT_COMPARED} {current.name}",)
    try:
        return tuple(f"{GATE} {name}" for name in failed_gates(comparison, current.manifest, entry.manifest))
    except ArtifactError as error:  # who must may overrule this, too
        return (f"{UNUSABLE} {error.what}",)


def failed_gates(comparison: Path, champion: Manifest, challenger: Manifest) -> tuple[str, ...]:
    """Return the names of the gates that a comparison of these two found closed.

    Raises:
        ArtifactError: the comparison cannot be read, or is of other models.
    """
    try:
        content: dict[str, Any] = json.loads(comparison.read_text("utf-8"))
        compared = (content["champion"]["model_version"], content["challenger"]["model_version"])
        failed = tuple(gate["name"] for gate in content["gates"] if not gate["passed"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(
            f"unreadable comparison ({type(error).__name__})", where=str(comparison), fix=_COMPARE
        ) from error
    if compared != (champion.model_version, challenger.model_version):
        raise ArtifactError("it compares other models", where=str(comparison), fix=_COMPARE)
    return failed


_COMPARE = "`paidan compare --output` this folder writes it, for both as they are now."
