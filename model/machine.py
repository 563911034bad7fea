"""The machine that this process runs on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def available_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def machine() -> str:
    """Describe the processor: cores this process may use, and the model."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = (line.partition(":") for line in information.read_text("utf-8", "replace").splitlines())
        model = next((value.strip() for key, _, value in fields if key.strip() == "model name"), model)
    return f"{available_cores()} cores, {model}"
