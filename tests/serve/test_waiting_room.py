from __future__ import annotations

import asyncio

import pytest

from data.tickets.ticket import Ticket
from serve.waiting import Waiting, WaitingRoom

pytestmark = pytest.mark.anyio


def item(name: str, length: int = 10, top_k: int = 3) -> Waiting:
    return Waiting(Ticket(name, "水" * length), top_k, asyncio.get_running_loop().create_future())


def names(batch: list[Waiting]) -> list[str]:
    return sorted(waiting.ticket.ticket_id for waiting in batch)


async def test_nothing_waits():
    assert WaitingRoom(4).take() == []


async def test_the_longest_waiting_goes_with_those_of_like_length():
    room = WaitingRoom(2)
    for name, length in (("first", 10), ("long", 500), ("alike", 12)):
        room.single.add(item(name, length))
    assert names(room.take()) == ["alike", "first"]
    assert names(room.take()) == ["long"]


async def test_one_batch_has_one_top_k():
    room = WaitingRoom(4)
    for name, top_k in (("a", 3), ("b", 5), ("c", 3)):
        room.single.add(item(name, top_k=top_k))
    assert names(room.take()) == ["a", "c"]
    assert names(room.take()) == ["b"]


async def test_single_tickets_go_before_bulk_that_came_earlier():
    room = WaitingRoom(2)
    for i in range(4):
        room.bulk.add(item(f"bulk{i}"))
    room.single.add(item("single", length=100))
    assert names(room.take()) == ["single"]
    assert names(room.take()) == ["bulk0", "bulk1"]


async def test_bulk_gets_its_turn_among_endless_single_tickets():
    room = WaitingRoom(2)
    room.bulk.add(item("bulk"))
    taken: list[str] = []
    for i in range(4):
        for j in range(4):
            room.single.add(item(f"single{i}{j}"))
        taken += names(room.take())
    assert "bulk" in taken


async def test_characters_are_counted_until_taken():
    room = WaitingRoom(4)
    gone = item("gone", 7)
    room.single.add(item("a", 10))
    room.bulk.add(gone)
    assert room.characters == 17
    room.bulk.discard(gone)
    room.bulk.discard(gone)
    assert room.characters == 10
    room.take()
    assert room.characters == 0
