from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.tickets.ticket import Ticket
from model import artifact
from model.decision import Decision, Versions
from model.errors import ArtifactError
from model.registry import Registry
from serve.batching import MicroBatcher
from serve.live import ArtifactWatch, LiveScorer, watching

pytestmark = pytest.mark.anyio

CONTENT: dict[str, Any] = {
    "created_at": "2026-01-01T00:00:00+00:00",
    "encoder": {},
    "columns": {},
    "data": {},
    "settings": {},
    "metrics": {},
    "software": {},
}
LOOK = 0.01


class Named:
    """A scorer whose versions are its name."""

    def __init__(self, name: str, decide: Callable[..., Decision]) -> None:
        self.versions = Versions(name, name, name)
        self.catalog = f"catalog of {name}"
        self._decide = decide

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        return [replace(self._decide(ticket, top_k), versions=self.versions) for ticket in tickets]

    def fallback(self, ticket: Ticket) -> Decision:
        return replace(self._decide(ticket, degraded=True), versions=self.versions)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Give a registry of the models a and b, where a serves."""
    kept = Registry(tmp_path / "registry")
    for name in "ab":
        with artifact.new_artifact(tmp_path / name) as folder:
            (folder / artifact.HEAD).write_text(name)
            (folder / artifact.POLICY).write_text("{}")
            artifact.write_manifest(folder, **CONTENT)
        kept.add(tmp_path / name)
    kept.promote(_name_of(kept, "a"), by="test", reason="first")
    return kept


def _name_of(registry: Registry, learned: str) -> str:
    return next(e.name for e in registry.entries() if (e.folder / artifact.HEAD).read_text() == learned)


def _watch(registry: Registry, live: LiveScorer, decide: Callable[..., Decision]) -> ArtifactWatch:
    def load() -> Named:
        folder = registry.link.resolve()
        artifact.open_artifact(folder)
        return Named((folder / artifact.HEAD).read_text(), decide)

    return ArtifactWatch(registry.link, live, load)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(LOOK)


async def test_a_promoted_artifact_answers_without_a_restart(registry: Registry, decision_on) -> None:
    live = LiveScorer(Named("a", decision_on))
    async with watching(_watch(registry, live, decision_on), LOOK):
        registry.promote(_name_of(registry, "b"), by="test", reason="newer")
        await _until(lambda: live.versions.model == "b")
    assert live.score([Ticket("1", "x")])[0].versions.model == "b"
    assert live.fallback(Ticket("1", "x")).versions.model == "b"
    assert live.catalog == "catalog of b"


async def test_a_rollback_brings_the_old_one_back(registry: Registry, decision_on) -> None:
    live = LiveScorer(Named("a", decision_on))
    async with watching(_watch(registry, live, decision_on), LOOK):
        registry.promote(_name_of(registry, "b"), by="test", reason="newer")
        await _until(lambda: live.versions.model == "b")
        registry.rollback(by="test", reason="worse")
        await _until(lambda: live.versions.model == "a")


async def test_one_that_cannot_serve_is_refused_once_and_the_old_one_goes_on(
    registry: Registry, decision_on
) -> None:
    live = LiveScorer(Named("a", decision_on))
    tried = []

    def load() -> Named:
        tried.append(1)
        raise ArtifactError("it answers nothing")

    watch = ArtifactWatch(registry.link, live, load)
    async with watching(watch, LOOK):
        registry.promote(_name_of(registry, "b"), by="test", reason="newer")
        await _until(lambda: len(tried) >= 2)  # it may have been half copied: it is tried again
    assert live.versions.model == "a"
    assert (watch.exchanged, watch.refused) == (0, 1)


async def test_a_half_copied_artifact_is_taken_when_it_is_whole(registry: Registry, decision_on) -> None:
    live = LiveScorer(Named("a", decision_on))
    watch = _watch(registry, live, decision_on)
    head = registry.entry(_name_of(registry, "b")).folder / artifact.HEAD
    async with watching(watch, LOOK):
        registry.promote(_name_of(registry, "b"), by="test", reason="newer")
        head.write_text("half")
        await _until(lambda: watch.refused == 1 or watch.exchanged == 1)
        head.write_text("b")
        await _until(lambda: live.versions.model == "b")


async def test_nothing_happens_while_the_artifact_is_away(registry: Registry, decision_on) -> None:
    live = LiveScorer(Named("a", decision_on))
    watch = _watch(registry, live, decision_on)
    async with watching(watch, LOOK):
        registry.link.unlink()
        await asyncio.sleep(10 * LOOK)
    assert (watch.exchanged, watch.refused) == (0, 0)
    assert live.versions.model == "a"


async def test_a_hundred_exchanges_under_load_fail_no_request_and_mix_no_versions(
    registry: Registry, decision_on, make_settings
) -> None:
    live = LiveScorer(Named("a", decision_on))
    batcher = MicroBatcher(live, make_settings(max_batch_size=8, bulk_piece=32))
    await batcher.start()
    seen: set[str] = set()
    answered = 0
    done = asyncio.Event()

    async def caller(number: int) -> None:
        nonlocal answered
        while not done.is_set():
            decision = await batcher.score(Ticket(f"{number}", "x"), 3)
            seen.add(decision.versions.model)
            assert len({decision.versions.model, decision.versions.catalog, decision.versions.policy}) == 1
            answered += 1

    watch = _watch(registry, live, decision_on)
    async with watching(watch, LOOK), asyncio.TaskGroup() as callers:
        for number in range(16):
            callers.create_task(caller(number))
        for turn in range(100):
            wanted = "ab"[(turn + 1) % 2]
            registry.promote(_name_of(registry, wanted), by="test", reason="turn")
            await _until(lambda wanted=wanted: live.versions.model == wanted)
        done.set()
    await batcher.stop()
    assert watch.exchanged == 100
    assert seen == {"a", "b"}
    assert answered > 100
