"""Promotes another artifact again and again while callers wait, and looks whether every answer is whole."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

from data.catalog.folder import load_catalog, save_catalog
from model import artifact
from model.registry import Registry
from training.serving_bench.errors import BenchmarkError
from training.serving_bench.generator import Job
from training.serving_bench.load import generating, progress
from training.serving_bench.scenarios import Latencies
from training.serving_bench.systems import Place, paidan

CALLERS = 8
_VERSIONS = r'"versions":\{[^}]*\}'
_PATIENCE, _LOOK_EVERY = 60.0, 0.02


@dataclass(frozen=True, slots=True)
class Swaps:
    """What came of it: `seconds` is the median from promotion to the first look that shows the new versions.

    `mixed` counts answers whose versions belong to neither artifact, `failed` all that were not answered 200.
    """

    swaps: int
    seconds: float
    latencies: Latencies
    failed: int
    mixed: int


def swap_under_load(place: Place, texts: Sequence[str], swaps: int) -> Swaps:
    """Promote two artifacts in turn, `swaps` times, under callers that do not pause.

    Raises:
        BenchmarkError: a promoted artifact is not taken into service.
    """
    folder = place.work / "swap"
    registry = Registry(folder / "registry")
    entries = [registry.add(place.artifact), registry.add(_other(place.artifact, folder / "other"))]
    registry.promote(entries[0].name, by="bench", reason="start")
    system = paidan(place, "Paidan, swapped", {"artifact_check_seconds": 0.1}, artifact=registry.link)
    with system.server() as server:
        bodies = [system.body(text, "swap") for text in texts]
        job = Job(server.port, system.path, bodies, callers=CALLERS, pick=_VERSIONS)
        seen = [_versions(server.port)]
        waited = []
        with progress() as bar, generating(job) as running:
            task = bar.add_task("swaps under load", total=swaps)
            for number in range(1, swaps + 1):
                entry = entries[number % 2]
                started = time.perf_counter()
                registry.promote(entry.name, by="bench", reason=f"swap {number}")
                seen.append(_wait_for(server.port, entry.manifest.model_version))
                waited.append(time.perf_counter() - started)
                bar.advance(task)
            running.stop()
            result = running.result()
    whole = {json.dumps(versions, sort_keys=True) for versions in seen}
    answers = Counter(json.dumps(_of_answer(text), sort_keys=True) for text in result.picked if text)
    answered = result.answered
    return Swaps(
        swaps=swaps,
        seconds=sorted(waited)[len(waited) // 2],
        latencies=Latencies.of(answered),
        failed=len(result.statuses) - len(answered),
        mixed=len(answered) - sum(count for versions, count in answers.items() if versions in whole),
    )


def _other(source: Path, output: Path) -> Path:
    """Write an artifact that does the same work, with another model, catalog and policy version."""
    with artifact.changed_copy(source, output) as folder:
        for name in (artifact.CALIBRATION, artifact.POLICY):
            path = folder / name
            path.write_text(path.read_text("utf-8") + "\n", "utf-8")
        catalog = load_catalog(folder / artifact.CATALOG)
        code, unit = next(iter(catalog.departments.items()))
        renamed = replace(unit, aliases=(*unit.aliases, f"{unit.name}（又名）"))
        save_catalog(
            replace(catalog, departments=dict(catalog.departments) | {code: renamed}),
            folder / artifact.CATALOG,
        )
    return output


def _versions(port: int) -> dict[str, str]:
    """Ask the service what answers now: hashes of the model, the catalog and the policy."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/version")
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return {name: answer[name] for name in ("model", "catalog", "policy")}


def _of_answer(text: str) -> dict[str, str]:
    versions: dict[str, str] = json.loads(f"{{{text}}}")["versions"]
    return versions


def _wait_for(port: int, model: str) -> dict[str, str]:
    ends = time.perf_counter() + _PATIENCE
    while time.perf_counter() < ends:
        versions = _versions(port)
        if versions["model"] == model:
            return versions
        time.sleep(_LOOK_EVERY)
    raise BenchmarkError(
        f"the promoted artifact does not serve after {_PATIENCE:.0f} s",
        where="swap under load",
        fix="Look for artifact_refused in the log of the service.",
    )
