from __future__ import annotations

import pytest

from data.tickets import seen


def test_tells_new_from_known_before_and_after_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_RECENT", 10)
    known = seen.Seen()
    assert all(known.add(f"text {n}") for n in range(95))
    assert not any(known.add(f"text {n}") for n in range(95))
    assert known.add("text 95")
