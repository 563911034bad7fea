from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.tickets.ticket import Ticket
from model import artifact
from model.decision import Decision, Level, Versions
from model.errors import ArtifactError
from model.registry import SHADOW, Registry
from serve.shadow.figures import measure
from serve.shadow.shadowing import Shadow, ShadowingScorer
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User
from serve.store.recorded import input_hash, row_of
from serve.store.shadows import ShadowDecision

LOOK = 0.2


class Model:
    """A scorer that always names one unit; `broken` makes it fail."""

    def __init__(self, name: str, unit: str, decide: Callable[..., Decision]) -> None:
        self.versions = Versions(name, name, name)
        self.unit = unit
        self.broken = False
        self._decide = decide

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        if self.broken:
            raise RuntimeError("canary " + tickets[0].text)
        decisions = [replace(self._decide(ticket, 1), versions=self.versions) for ticket in tickets]
        return [
            replace(
                decision,
                candidates=(
                    replace(
                        decision.candidates[0],
                        department=replace(decision.candidates[0].department, code=self.unit),
                    ),
                ),
            )
            for decision in decisions
        ]


def _artifact(folder: Path, learned: str) -> Path:
    content: dict[str, Any] = {
        name: {} for name in ("encoder", "columns", "data", "settings", "metrics", "software")
    }
    with artifact.new_artifact(folder) as scratch:
        (scratch / artifact.HEAD).write_text(learned)
        (scratch / artifact.POLICY).write_text("{}")
        artifact.write_manifest(scratch, created_at="2026-01-01T00:00:00+00:00", **content)
    return folder


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    kept = Registry(tmp_path / "registry")
    kept.promote(kept.add(_artifact(tmp_path / "a", "a")).name, by="t", reason="first")
    return kept


@pytest.fixture
def live(decision_on) -> Model:
    return Model("live", "u1", decision_on)


@pytest.fixture
def candidate(decision_on) -> Model:
    return Model("shadow", "u2", decision_on)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def _stored(store: Store) -> list[ShadowDecision]:
    with store.transaction() as session:
        return list(session.scalars(select(ShadowDecision).order_by(ShadowDecision.id)))


@pytest.mark.anyio
async def test_a_candidate_scores_what_was_answered(
    store: Store, registry: Registry, live: Model, candidate: Model, tmp_path: Path
) -> None:
    shadow = Shadow(registry.root / SHADOW, store, lambda folder: candidate)
    answering = ShadowingScorer(live, shadow)
    shadow.start(LOOK)
    answering.score([Ticket("before", "停水")])  # nobody watches yet
    registry.begin_shadow(registry.add(_artifact(tmp_path / "b", "b")).name)
    await _until(lambda: shadow.versions is not None)
    decisions = answering.score([Ticket("1", "停水"), Ticket("page-1", "停水"), Ticket("2", "停电")])
    assert [decision.versions.model for decision in decisions] == ["live"] * 3
    await _until(lambda: shadow.scored == 2)
    rows = _stored(store)
    assert [(row.ticket_id, row.live_unit, row.shadow_unit) for row in rows] == [
        ("1", "u1", "u2"),
        ("2", "u1", "u2"),
    ]
    assert (shadow.differing, shadow.dropped) == (2, 0)
    registry.end_shadow()
    await _until(lambda: shadow.versions is None)
    await shadow.stop()


@pytest.mark.anyio
async def test_the_same_ticket_is_kept_once(
    store: Store, registry: Registry, live: Model, candidate: Model, tmp_path: Path
) -> None:
    shadow = Shadow(registry.root / SHADOW, store, lambda folder: candidate)
    registry.begin_shadow(registry.add(_artifact(tmp_path / "b", "b")).name)
    shadow.start(LOOK)
    await _until(lambda: shadow.versions is not None)
    answering = ShadowingScorer(live, shadow)
    answering.score([Ticket("1", "停水"), Ticket("1", "停水")])
    await _until(lambda: shadow.scored == 2)
    answering.score([Ticket("1", "停水")])
    await _until(lambda: shadow.scored == 3)
    await shadow.stop()
    assert len(_stored(store)) == 1


@pytest.mark.anyio
async def test_a_candidate_that_fails_holds_nobody_up_and_logs_no_text(
    store: Store, registry: Registry, live: Model, candidate: Model, tmp_path: Path, capsys
) -> None:
    candidate.broken = True
    shadow = Shadow(registry.root / SHADOW, store, lambda folder: candidate)
    registry.begin_shadow(registry.add(_artifact(tmp_path / "b", "b")).name)
    shadow.start(LOOK)
    await _until(lambda: shadow.versions is not None)
    decisions = ShadowingScorer(live, shadow).score([Ticket("1", "占道经营")])
    assert decisions[0].candidates[0].department.code == "u1"
    await _until(lambda: not shadow._waiting)
    candidate.broken = False
    ShadowingScorer(live, shadow).score([Ticket("2", "停水")])
    await _until(lambda: shadow.scored == 1)
    await shadow.stop()
    printed = capsys.readouterr()
    assert "占道经营" not in printed.out + printed.err
    assert [row.ticket_id for row in _stored(store)] == ["2"]
    assert shadow.dropped == 1


@pytest.mark.anyio
async def test_a_candidate_that_cannot_be_loaded_is_refused(
    store: Store, registry: Registry, live: Model, tmp_path: Path
) -> None:
    tried = []

    def load(folder: Path) -> Model:
        tried.append(folder)
        raise ArtifactError("broken")

    shadow = Shadow(registry.root / SHADOW, store, load)
    registry.begin_shadow(registry.add(_artifact(tmp_path / "b", "b")).name)
    shadow.start(LOOK)
    await _until(lambda: bool(tried))
    ShadowingScorer(live, shadow).score([Ticket("1", "停水")])
    await shadow.stop()
    assert (shadow.versions, shadow.scored, len(tried)) == (None, 0, 1)


def test_what_comes_too_fast_is_dropped_and_counted(
    store: Store, registry: Registry, live: Model, candidate: Model
) -> None:
    shadow = Shadow(registry.root / SHADOW, store, lambda folder: candidate)
    shadow._candidate = candidate
    ShadowingScorer(live, shadow).score([Ticket(f"{number}", "停水") for number in range(600)])
    assert shadow.dropped == 600 - 512


def test_the_one_that_serves_cannot_be_its_own_shadow(registry: Registry) -> None:
    current = registry.current()
    assert current is not None
    with pytest.raises(ArtifactError, match="serves already"):
        registry.begin_shadow(current.name)


def test_a_shadow_that_is_promoted_is_a_shadow_no_more(registry: Registry, tmp_path: Path) -> None:
    entry = registry.add(_artifact(tmp_path / "b", "b"))
    registry.begin_shadow(entry.name)
    registry.promote(entry.name, by="t", reason="good")
    assert registry.shadow() is None


@pytest.fixture
def kept(store: Store, decision_on, settled) -> Store:
    """Fill a store: on 1 both agree, on 2 and 3 they differ; a person ruled on 2 for u1, on 3 for u2."""
    with store.transaction() as session:
        user = User(
            name="li", display_name="李", role="lead", password_hash="-", failed_attempts=0, created_at=now()
        )
        session.add(user)
        session.flush()
        for number, (other, ruled) in enumerate([("u1", None), ("u2", "u1"), ("u2", "u2")], 1):
            ticket = Ticket(f"t{number}", f"停水{number}")
            decision = StoredDecision(
                **row_of(ticket, decision_on(ticket), None, now(), audited=False), revision=1
            )
            session.add(decision)
            session.flush()
            session.add(
                ShadowDecision(
                    ticket_id=ticket.ticket_id,
                    input_sha256=input_hash(ticket),
                    answered_at=now(),
                    live_model="live",
                    live_unit="u1",
                    live_score=0.9,
                    live_level=Level.SUGGEST.value,
                    shadow_model="shadow",
                    shadow_unit=other,
                    shadow_score=0.9,
                    shadow_level=Level.AUTO.value,
                )
            )
            if ruled is not None:
                settled(session, decision.id, user.id, ruled)
    return store


def test_the_figures_say_how_often_they_differ_and_who_was_right(kept: Store) -> None:
    [figures] = measure(kept, "shadow")
    assert (figures.tickets, figures.same_unit) == (3, 1)
    assert (figures.settled, figures.live_right, figures.shadow_right) == (2, 1, 1)
    assert figures.levels == {("suggest", "auto"): 3}
    [move] = figures.moves
    assert (move.live, move.shadow, move.count) == ("u1", "u2", 2)
    assert move.ticket_ids == ("t3", "t2")


def test_a_candidate_that_never_watched_has_no_figures(kept: Store) -> None:
    assert measure(kept, "other") == []
