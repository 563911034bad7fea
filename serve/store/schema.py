"""The schema of the database: the one the code needs, the one that is there, and the way between them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from data.errors import PaidanError
from serve.store import (  # noqa: F401 - they define the tables
    decisions,
    imported,
    people,
    reviews,
    shadows,
    vectors,
)
from serve.store.base import Base
from serve.store.engine import Store

METADATA = Base.metadata
"""All tables: importing their modules fills it."""


class StoreError(PaidanError):
    """The database cannot be used as it is."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(files("serve"))) / "store" / "migrations"))
    config.attributes["connection"] = connection
    return config


def needed() -> str:
    """Return the revision that the code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def present(store: Store) -> str | None:
    """Return the revision that the database has; None if it is empty."""
    with store.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(store: Store) -> None:
    """Bring the database to the schema that the code needs; nothing happens if it has it."""
    with store.engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def write_migration(store: Store, message: str, revision: str) -> None:
    """Write a migration for what the tables have and the database has not, for a developer to complete."""
    with store.engine.connect() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def check_schema(store: Store) -> None:
    """Raise StoreError unless the database has the schema that the code needs."""
    found, wanted = present(store), needed()
    if found != wanted:
        raise StoreError(
            f"its schema is {found or 'empty'}",
            where=store.engine.url.render_as_string(hide_password=True),
            expected=wanted,
            fix="Back it up, then run `paidan store upgrade`.",
        )
