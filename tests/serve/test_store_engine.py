from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from serve.store.engine import Store
from serve.store.people import AuditEntry


def test_a_time_comes_back_in_utc(store: Store) -> None:
    beijing = timezone(timedelta(hours=8))
    with store.transaction() as session:
        session.add(
            AuditEntry(
                at=datetime(2026, 5, 1, 8, tzinfo=beijing), actor="cli", action="test", details={"n": 1}
            )
        )
    with store.transaction() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert entry.at == datetime(2026, 5, 1, 0, tzinfo=UTC)
    assert entry.details == {"n": 1}


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as session:
        session.add(AuditEntry(at=datetime.now(UTC), actor="cli", action="test", details={}))
        session.flush()
        raise KeyError
    with store.transaction() as session:
        assert session.scalars(select(AuditEntry)).all() == []
