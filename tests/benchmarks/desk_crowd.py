"""Forty operators at once: each takes a ticket, settles it and gets the next, until none is left."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
from sqlalchemy import func, select

from serve.store.engine import Store
from serve.store.reviews import ReviewItem, Ruling

_ITEM = re.compile(r'class="ticket" data-item="(\d+)"')
_UNIT = re.compile(r'data-rank="1" data-unit="([^"]+)"')
_PATIENCE = 30


@dataclass
class Crowd:
    """What the operators saw. Milliseconds from sending a settlement to having the next ticket."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Kept:
    """What the database holds afterwards."""

    settled: int
    rulings: int
    twice: int
    waiting: int
    leased: int


def work_off(url: str, tokens: list[str]) -> Crowd:
    """Let one operator a token work until the queue is empty."""
    crowd, lock, start = Crowd(), threading.Lock(), threading.Barrier(len(tokens) + 1)

    def operator(token: str) -> None:
        headers = {"X-CSRF-Token": token}
        with httpx.Client(
            base_url=url, cookies={"paidan_session": token}, headers=headers, timeout=60
        ) as client:
            start.wait()
            page = client.get("/review/next").text
            while item := _ITEM.search(page):
                unit = _UNIT.search(page)
                assert unit is not None
                request = {"request_id": uuid4().hex, "parts": [{"lead": unit[1]}], "rank": 1, "seconds": 1.0}
                page = _settle(client, item[1], request, crowd, lock)

    threads = [threading.Thread(target=operator, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    crowd.seconds = time.perf_counter() - began
    return crowd


def _settle(
    client: httpx.Client, item: str, request: dict[str, object], crowd: Crowd, lock: threading.Lock
) -> str:
    """Send one settlement as the page does: what the server fails at is sent again, the same."""
    for _ in range(_PATIENCE):
        began = time.perf_counter()
        response = client.post(f"/review/items/{item}/settle", json=request)
        with lock:
            crowd.milliseconds.append(1000 * (time.perf_counter() - began))
            if response.status_code != 200:
                crowd.refused[response.status_code] += 1
        if response.status_code == 200:
            return response.text
        if response.status_code < 500:
            return client.get("/review/next").text
        time.sleep(0.5)
    raise RuntimeError(f"the server refused {_PATIENCE} times")


def look(store: Store) -> Kept:
    """Count what is settled, settled twice, left or stuck."""
    with store.transaction() as session:
        rulings = session.scalar(select(func.count()).select_from(Ruling)) or 0
        items = session.scalar(select(func.count(Ruling.item_id.distinct()))) or 0
        status = dict(
            session.execute(select(ReviewItem.status, func.count()).group_by(ReviewItem.status))
            .tuples()
            .all()
        )
        leased = session.scalar(select(func.count()).where(ReviewItem.leased_by.is_not(None))) or 0
    return Kept(status.get("settled", 0), rulings, rulings - items, status.get("waiting", 0), leased)
