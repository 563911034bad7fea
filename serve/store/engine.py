"""The connection to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session, sessionmaker

_BUSY_MILLISECONDS = 10_000
_CONNECT_SECONDS = 3
_JSON: dict[str, Any] = {
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}
_SQLITE_TURNS: dict[str, Any] = {"pool_size": 4, "max_overflow": 0, "pool_timeout": 60}
"""SQLite lets one write at a time; of many who wait, each trying again now and then, some would starve."""
_POSTGRESQL_PATIENCE: dict[str, Any] = {
    "connect_timeout": _CONNECT_SECONDS,
    "tcp_user_timeout": _BUSY_MILLISECONDS,
}
"""A network that swallows everything would else be noticed after a quarter of an hour."""
_KEPT_CONNECTIONS = 10
_CONNECTIONS = 40
"""As many as there are threads that use them, so that no person waits for a connection."""


class Store:
    """A database with the service's tables. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def open(cls, url: str) -> Store:
        """Connect to `url`, such as sqlite:///paidan.db or postgresql+psycopg://user@host/paidan."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                with suppress(OSError):  # connecting will say so, and that is no reason not to start
                    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
                engine = create_engine(parsed, **_SQLITE_TURNS, **_JSON)
            else:
                engine = create_engine(parsed, **_JSON)
            event.listen(engine, "connect", _set_pragmas)
        else:
            engine = create_engine(
                parsed,
                pool_pre_ping=True,
                pool_size=_KEPT_CONNECTIONS,
                max_overflow=_CONNECTIONS - _KEPT_CONNECTIONS,
                pool_timeout=_CONNECT_SECONDS,
                connect_args=_POSTGRESQL_PATIENCE,
                **_JSON,
            )
        return cls(engine)

    @property
    def is_postgresql(self) -> bool:
        """Tell whether rows can be locked one by one."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; commit at the end of the block, roll back if it raises."""
        with self._sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _set_pragmas(connection: DBAPIConnection, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
