"""More than the service can score: it says so at once, and stays as quick and as small as it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest
from serving_process import ServerProcess

pytestmark = pytest.mark.anyio

SECONDS_A_TICKET = 0.1
OVERLOAD = 5
DEADLINE = 2.0


@dataclass
class Seen:
    """What callers saw: seconds to an answer by status, and what went wrong otherwise."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def call(port: int, body: bytes, seen: Seen, patience: float) -> None:
    """Send one ticket on a connection of its own, whatever became of the ones before."""
    began = monotonic()
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = (
                "POST /v1/score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError) as error:
        seen.problems.append(type(error).__name__)
        return
    status = int(answer[9:12])
    seen.seconds.setdefault(status, []).append(monotonic() - began)
    if status == 429 and b"\nretry-after: " not in answer.lower():
        seen.problems.append("429 without Retry-After")


async def test_the_rest_is_refused_and_memory_stays_flat(
    serving: Callable[..., ServerProcess], tmp_path: Path, full: bool, note: Callable[[str, str], None]
) -> None:
    server = serving(
        database_url=f"sqlite:///{tmp_path / 'paidan.db'}",
        STUB_SECONDS=SECONDS_A_TICKET,
        max_batch_size=4,
        deadline_seconds=DEADLINE,
    )
    await asyncio.to_thread(server.start)
    rate = OVERLOAD / SECONDS_A_TICKET  # calls a second
    seconds = 60 if full else 4
    warm: list[asyncio.Task[None]] = []
    seen, resident = Seen(), [0, 0]
    async with asyncio.TaskGroup() as group:
        began = monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
            text = f"人民路{number}号自来水停供，请尽快处理。"
            body = json.dumps({"ticket_id": f"o{number}", "text": text * 5}, ensure_ascii=False).encode()
            warm.append(group.create_task(call(server.port, body, seen, patience=30)))
            if number == int(rate * seconds / 2):
                resident[0] = server.resident_bytes
    resident[1] = server.resident_bytes
    accepted, refused = sorted(seen.seconds.get(200, [])), sorted(seen.seconds.get(429, []))
    assert not seen.problems
    assert seen.seconds.keys() == {200, 429}
    assert len(accepted) + len(refused) == len(warm)
    assert accepted[-1] < DEADLINE + 8, "an accepted ticket waited too long"
    assert len(refused) > len(accepted)
    grown = (resident[1] - resident[0]) / 2**20
    assert grown < 40, f"{grown:.0f} MB more after the second half"
    assert server.get("/readyz") == 200
    note(
        f"{OVERLOAD} times what can be scored for {seconds} s, open loop",
        f"{len(accepted):,} answered, the slowest in {accepted[-1]:.1f} s (99% in "
        f"{accepted[int(len(accepted) * 0.99)]:.2f} s); {len(refused):,} got 429 with Retry-After, 99% within "
        f"{refused[int(len(refused) * 0.99)] * 1000:.0f} ms; no other status, no broken connection; memory "
        f"{grown:+.0f} MB in the second half",
    )
