from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from data.tickets.ticket import Ticket
from serve.batching import MicroBatcher
from serve.errors import DeadlinePassed, NotReady, QueueFull, ScoringFailed
from serve.waiting import Waiting

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(scorer, settings) -> AsyncIterator[MicroBatcher]:
    batcher = MicroBatcher(scorer, settings)
    await batcher.start()
    try:
        yield batcher
    finally:
        scorer.gate.set()
        await batcher.stop()


def ticket(name: str, length: int = 10) -> Ticket:
    return Ticket(name, "水" * length)


async def hold(scorer, batcher: MicroBatcher) -> asyncio.Task:
    """Have the worker stuck in a batch of one ticket."""
    scorer.gate.clear()
    task = asyncio.create_task(batcher.score(ticket("held"), 3))
    await asyncio.to_thread(scorer.entered.wait)
    return task


async def test_idle_service_scores_at_once_and_alone(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        assert (await batcher.score(ticket("a"), 3)).ticket_id == "a"
    assert scorer.batches == [(["a"], 3)]


async def test_what_comes_in_meanwhile_goes_together(scorer, make_settings):
    async with running(scorer, make_settings(max_batch_size=4)) as batcher:
        held = await hold(scorer, batcher)
        waiting = [asyncio.create_task(batcher.score(ticket(str(i)), 3)) for i in range(6)]
        await asyncio.sleep(0)
        scorer.gate.set()
        decisions = await asyncio.gather(held, *waiting)
    assert [d.ticket_id for d in decisions] == ["held", "0", "1", "2", "3", "4", "5"]
    assert [len(ids) for ids, _ in scorer.batches] == [1, 4, 2]


async def test_failed_batch_fails_each_of_its_requests(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        held = await hold(scorer, batcher)
        texts = ("poison", "水", "水")
        waiting = [asyncio.create_task(batcher.score(Ticket(str(i), t), 3)) for i, t in enumerate(texts)]
        await asyncio.sleep(0)
        scorer.gate.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ScoringFailed] * 3
        assert (await held).ticket_id == "held"
        assert (await batcher.score(ticket("next"), 3)).ticket_id == "next"


async def test_too_few_decisions_fail_the_batch(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        scorer.drop_last = True
        with pytest.raises(ScoringFailed):
            await batcher.score(ticket("a"), 3)


async def test_full_queue_refuses_and_says_when_to_come_back(scorer, make_settings):
    async with running(scorer, make_settings(queue_characters=100)) as batcher:
        held = await hold(scorer, batcher)
        waiting = asyncio.create_task(batcher.score(ticket("a", 90), 3))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull) as refused:
            await batcher.score(ticket("b", 20), 3)
        assert refused.value.retry_after >= 1
        scorer.gate.set()
        await asyncio.gather(held, waiting)


async def test_what_would_be_late_at_the_measured_rate_is_refused(scorer, make_settings):
    async with running(scorer, make_settings(queue_seconds=5)) as batcher:
        batcher._measure(characters=10, seconds=1)
        held = await hold(scorer, batcher)
        waiting = asyncio.create_task(batcher.score(ticket("a", 40), 3))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await batcher.score(ticket("b", 20), 3)
        scorer.gate.set()
        await asyncio.gather(held, waiting)


async def test_retry_after_follows_the_measured_rate(scorer, make_settings):
    async with running(scorer, make_settings(queue_characters=100)) as batcher:
        batcher._measure(characters=10, seconds=1)
        held = await hold(scorer, batcher)
        waiting = asyncio.create_task(batcher.score(ticket("a", 95), 3))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull) as refused:
            await batcher.score(ticket("b", 20), 3)
        assert refused.value.headers() == {"Retry-After": "11"}  # with what is scored just now
        scorer.gate.set()
        await asyncio.gather(held, waiting)


async def test_text_longer_than_the_queue_is_taken_when_nothing_waits(scorer, make_settings):
    async with running(scorer, make_settings(queue_characters=100)) as batcher:
        assert (await batcher.score(ticket("a", 5000), 3)).ticket_id == "a"


async def test_cancelled_request_is_not_scored(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        held = await hold(scorer, batcher)
        gone = asyncio.create_task(batcher.score(ticket("gone"), 3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        scorer.gate.set()
        await held
        await batcher.score(ticket("after"), 3)
    assert scorer.scored_ids == ["held", "after"]


async def test_cancelled_request_in_a_running_batch_harms_nobody(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        held = await hold(scorer, batcher)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        scorer.gate.set()
        assert (await batcher.score(ticket("after"), 3)).ticket_id == "after"


async def test_deadline_without_rules_is_a_problem(scorer, make_settings):
    async with running(scorer, make_settings(deadline_seconds=0.05)) as batcher:
        scorer.gate.clear()
        with pytest.raises(DeadlinePassed):
            await batcher.score(ticket("late"), 3)


async def test_deadline_with_rules_gives_a_degraded_answer(scorer_with_fallback, make_settings):
    async with running(scorer_with_fallback, make_settings(deadline_seconds=0.05)) as batcher:
        scorer_with_fallback.gate.clear()
        decision = await batcher.score(ticket("late"), 3)
        assert (decision.ticket_id, decision.degraded) == ("late", True)


async def test_failing_rules_still_end_in_an_answer(scorer_with_fallback, make_settings):
    scorer_with_fallback.fallback = lambda ticket: 1 / 0
    async with running(scorer_with_fallback, make_settings(deadline_seconds=0.05)) as batcher:
        scorer_with_fallback.gate.clear()
        with pytest.raises(DeadlinePassed):
            await batcher.score(ticket("late"), 3)


async def test_late_ticket_that_still_waited_is_not_scored(scorer, make_settings):
    async with running(scorer, make_settings(deadline_seconds=0.1)) as batcher:
        held = await hold(scorer, batcher)
        late = asyncio.create_task(batcher.score(ticket("late"), 3))
        await asyncio.gather(held, late, return_exceptions=True)
        scorer.gate.set()
        await batcher.score(ticket("after"), 3)
    assert scorer.scored_ids == ["held", "after"]


async def test_bulk_call_answers_in_order(scorer, make_settings):
    async with running(scorer, make_settings(max_batch_size=4, bulk_piece=8)) as batcher:
        requests = [(ticket(str(i), 10 + i * 7 % 30), 1 + i % 2) for i in range(50)]
        decisions = await batcher.score_many(requests)
    assert [d.ticket_id for d in decisions] == [str(i) for i in range(50)]
    assert [len(d.candidates) for d in decisions] == [top_k + 1 for _, top_k in requests]


async def test_bulk_call_keeps_only_a_piece_in_the_queue(scorer, make_settings):
    async with running(scorer, make_settings(max_batch_size=4, bulk_piece=8)) as batcher:
        held = await hold(scorer, batcher)
        bulk = asyncio.create_task(batcher.score_many([(ticket(str(i)), 3) for i in range(50)]))
        await asyncio.sleep(0.05)
        assert len(batcher._room.bulk) == 8
        scorer.gate.set()
        await asyncio.gather(held, bulk)


async def test_single_call_overtakes_a_bulk_call(scorer, make_settings):
    async with running(scorer, make_settings(max_batch_size=4, bulk_piece=8)) as batcher:
        held = await hold(scorer, batcher)
        bulk = asyncio.create_task(batcher.score_many([(ticket(str(i)), 3) for i in range(50)]))
        await asyncio.sleep(0.05)
        single = asyncio.create_task(batcher.score(ticket("single"), 3))
        await asyncio.sleep(0)
        scorer.gate.set()
        await asyncio.gather(held, bulk, single)
    assert scorer.batches[1][0] == ["single"]


async def test_bulk_calls_side_by_side_are_limited(scorer, make_settings):
    async with running(scorer, make_settings(max_bulk_calls=1)) as batcher:
        held = await hold(scorer, batcher)
        first = asyncio.create_task(batcher.score_many([(ticket("a"), 3)]))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await batcher.score_many([(ticket("b"), 3)])
        scorer.gate.set()
        await asyncio.gather(held, first)
        assert len(await batcher.score_many([(ticket("c"), 3)])) == 1


async def test_failed_ticket_fails_its_bulk_call(scorer, make_settings):
    async with running(scorer, make_settings()) as batcher:
        with pytest.raises(ScoringFailed):
            await batcher.score_many([(ticket("a"), 3), (Ticket("b", "poison"), 3)])


async def test_stop_scores_what_waits(scorer, make_settings):
    batcher = MicroBatcher(scorer, make_settings())
    await batcher.start()
    held = await hold(scorer, batcher)
    waiting = asyncio.create_task(batcher.score(ticket("waiting"), 3))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(batcher.stop())
    await asyncio.sleep(0)
    with pytest.raises(NotReady):
        await batcher.score(ticket("too late"), 3)
    scorer.gate.set()
    await stopping
    assert [(await held).ticket_id, (await waiting).ticket_id] == ["held", "waiting"]


async def test_stop_that_takes_too_long_gives_every_waiter_an_answer(scorer, make_settings):
    batcher = MicroBatcher(scorer, make_settings(drain_seconds=0.05))
    await batcher.start()
    held = await hold(scorer, batcher)
    waiting = asyncio.create_task(batcher.score(ticket("waiting"), 3))
    await asyncio.sleep(0)
    await batcher.stop()
    outcomes = await asyncio.gather(held, waiting, return_exceptions=True)
    scorer.gate.set()
    assert [type(outcome) for outcome in outcomes] == [NotReady, NotReady]


async def test_full_batch_begins_beside_the_one_that_is_scored(scorer, make_settings):
    async with running(scorer, make_settings(max_batch_size=4)) as batcher:
        held = await hold(scorer, batcher)
        waiting = [asyncio.create_task(batcher.score(ticket(str(i)), 3)) for i in range(7)]
        while len(scorer.batches) < 2:
            await asyncio.sleep(0.01)
        assert batcher.waiting.single == 3  # no third one, and no second one that is not full
        scorer.gate.set()
        await asyncio.gather(held, *waiting)


async def test_speed_is_that_of_batches_side_by_side(scorer, make_settings, monkeypatch):
    clock = iter([100.0, 100.0, 101.0, 102.0])  # both begin; one ends after a second, one after two
    monkeypatch.setattr("serve.batching.monotonic", lambda: next(clock))
    async with running(scorer, make_settings(max_batch_size=1)) as batcher:
        batches = [
            [Waiting(ticket(name, 10), 3, asyncio.get_running_loop().create_future())] for name in "ab"
        ]
        await asyncio.gather(*map(batcher._score_batch, batches))
        assert batcher._rate == pytest.approx(10)


async def test_callers_deadline_counts(scorer_with_fallback, make_settings):
    async with running(scorer_with_fallback, make_settings()) as batcher:
        held = await hold(scorer_with_fallback, batcher)
        assert (await batcher.score(ticket("hurried"), 3, 0.02)).degraded
        (decision,) = await batcher.score_many([(ticket("bulk"), 3)], 0.02)
        assert decision.degraded
        scorer_with_fallback.gate.set()
        assert not (await held).degraded
