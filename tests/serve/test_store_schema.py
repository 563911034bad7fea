"""Migrations, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import AuditEntry
from serve.store.schema import METADATA, StoreError, check_schema, needed, present, upgrade


@pytest.fixture
def empty(database_url: str) -> Iterator[Store]:
    store = Store.open(database_url)
    yield store
    store.close()


def test_migrations_lead_to_the_tables_of_the_code(empty: Store) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_upgraded_database_is_current(empty: Store) -> None:
    assert present(empty) is None
    upgrade(empty)
    upgrade(empty)
    assert present(empty) == needed()
    check_schema(empty)


def test_an_empty_database_is_refused_with_the_way_out(empty: Store) -> None:
    with pytest.raises(StoreError, match="paidan store upgrade"):
        check_schema(empty)


@pytest.mark.parametrize("change", [update(AuditEntry).values(actor="nobody"), delete(AuditEntry)])
def test_the_audit_log_can_only_be_added_to(empty: Store, change: object) -> None:
    upgrade(empty)
    with empty.transaction() as session:
        session.add(AuditEntry(at=now(), actor="cli", action="test", details={}))
    with pytest.raises(DBAPIError, match="only added to"), empty.transaction() as session:
        session.execute(change)  # type: ignore[call-overload]
