"""Keys of the programs that call the API."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock
from time import monotonic

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from data.errors import PaidanError
from serve.errors import NotReady, Problem
from serve.security.audit import audit
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import ApiKey

_KNOWN_SECONDS = 2.0
_GRACE_SECONDS = 60.0
_MOST_KNOWN = 1000


class Scope(StrEnum):
    """What a key opens."""

    SCORE = "score"
    FEEDBACK = "feedback"
    ADMIN = "admin"


class ApiKeyError(PaidanError):
    """A key cannot be made or changed as asked."""


class KeyMissing(Problem):
    """The call carries no key that is known and valid."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "key-missing"
    title = "No valid API key"

    def __init__(self) -> None:
        super().__init__(
            "no valid API key", where="Authorization", expected="Bearer pd_…", fix="`paidan keys create`"
        )

    def headers(self) -> dict[str, str]:
        """Name the scheme."""
        return {"WWW-Authenticate": "Bearer"}


class ScopeMissing(Problem):
    """The key is valid, but not for this."""

    status = HTTPStatus.FORBIDDEN
    slug = "scope-missing"
    title = "The API key does not reach this far"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"the API key lacks the scope {scope}", where="Authorization")


@dataclass(frozen=True, slots=True)
class _Known:
    scopes: frozenset[str]
    expires_at: datetime | None
    secret_sha256: str
    until: float


class ApiKeys:
    """The keys of a store. `check` remembers a key for two seconds, so a revocation takes that long.

    While the store is down, keys that were seen valid within the last minute go on being so.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def create(self, name: str, scopes: list[Scope], *, days: int | None, by: str) -> str:
        """Make a key and return it: pd_PREFIX_SECRET. It is shown this once; the store has only a hash."""
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        with self._store.transaction() as session:
            if session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
                raise ApiKeyError("the name is taken", where=f"key {name}", fix="Choose another.")
            session.add(
                ApiKey(
                    name=name,
                    prefix=prefix,
                    secret_sha256=_hash(secret),
                    scopes=[scope.value for scope in scopes],
                    created_at=now(),
                    expires_at=now() + timedelta(days=days) if days is not None else None,
                )
            )
            audit(session, by, "key.create", f"key:{name}", scopes=[scope.value for scope in scopes])
        return f"pd_{prefix}_{secret}"

    def rotate(self, name: str, *, by: str) -> str:
        """Give a key another secret and return it; the old one stops working."""
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        with self._store.transaction() as session:
            key = self._existing(name)
            if key.revoked_at is not None:
                raise ApiKeyError("the key was revoked", where=f"key {name}", fix="Create another.")
            session.add(key)
            key.prefix, key.secret_sha256 = prefix, _hash(secret)
            audit(session, by, "key.rotate", f"key:{name}")
        return f"pd_{prefix}_{secret}"

    def revoke(self, name: str, *, by: str) -> None:
        """End a key."""
        with self._store.transaction() as session:
            key = self._existing(name)
            session.add(key)
            key.revoked_at = now()
            audit(session, by, "key.revoke", f"key:{name}")

    def all(self) -> list[ApiKey]:
        """Return all keys by name."""
        with self._store.transaction() as session:
            return list(session.scalars(select(ApiKey).order_by(ApiKey.name)))

    def check(self, authorization: str, scope: Scope) -> None:
        """Raise KeyMissing or ScopeMissing unless the header holds a valid key of that scope.

        While the store is down, and the key was not seen lately, raise NotReady.
        """
        scheme, _, token = authorization.partition(" ")
        parts = token.strip().split("_", 2)
        if scheme.lower() != "bearer" or len(parts) != 3 or parts[0] != "pd":
            raise KeyMissing()
        known = self._find(parts[1])
        if known is None or not compare_digest(known.secret_sha256, _hash(parts[2])):
            raise KeyMissing()
        if known.expires_at is not None and known.expires_at <= now():
            raise KeyMissing()
        if not {scope.value, Scope.ADMIN.value} & known.scopes:
            raise ScopeMissing(scope)

    def _find(self, prefix: str) -> _Known | None:
        with self._lock:
            known = self._known.get(prefix)
        if known is not None and known.until > monotonic():
            return known
        try:
            with self._store.transaction() as session:
                key = session.scalar(
                    select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
                )
                if key is not None:
                    key.last_used_at = now()
        except SQLAlchemyError:
            if known is not None and known.until + _GRACE_SECONDS > monotonic():
                return known
            raise NotReady() from None  # it may well be valid: the caller should come again
        found = (
            None
            if key is None
            else _Known(
                frozenset(key.scopes), key.expires_at, key.secret_sha256, monotonic() + _KNOWN_SECONDS
            )
        )
        with self._lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            if found is None:
                self._known.pop(prefix, None)
            else:
                self._known[prefix] = found
        return found

    def _existing(self, name: str) -> ApiKey:
        with self._store.transaction() as session:
            key = session.scalar(select(ApiKey).where(ApiKey.name == name))
        if key is None:
            raise ApiKeyError("there is no such key", where=f"key {name}", fix="`paidan keys list`")
        return key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
