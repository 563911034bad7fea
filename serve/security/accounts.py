"""People's accounts: made, changed, and signed in to."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data.errors import PaidanError
from serve.security.audit import actor_of, audit
from serve.security.roles import Role
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import User, UserSession

PROVIDED = "oidc:"
"""Accounts of an identity provider's people begin so: neither side can take over the other's."""

LEAST_PASSWORD = 10
FREE_ATTEMPTS = 5
"""Wrong passwords before an account locks; each further one doubles the time, from one minute to one hour."""

_LONGEST_LOCK = timedelta(hours=1)


class AccountError(PaidanError):
    """An account cannot be made or changed as asked."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` goes into the cookie, and is nowhere else."""

    user: User
    token: str


class Accounts:
    """The accounts of a store."""

    def __init__(self, store: Store, *, session_hours: float) -> None:
        self._store = store
        self._lifetime = timedelta(hours=session_hours)

    def add(self, name: str, password: str, role: Role, *, by: str, display_name: str | None = None) -> None:
        """Make an account; raise AccountError if the name is taken or reserved, or the password too short."""
        _check_password(password)
        _check_made_here(name)
        if not name.strip() or len(name) > 100:
            raise AccountError("no usable name", where="account", expected="1 to 100 characters")
        with self._store.transaction() as session:
            if _find(session, name) is not None:
                raise AccountError("the name is taken", where=f"account {name}", fix="Choose another.")
            session.add(
                User(
                    name=name,
                    display_name=display_name or name,
                    role=role.value,
                    password_hash=_hasher().hash(password),
                    created_at=now(),
                )
            )
            audit(session, by, "user.create", f"user:{name}", role=role.value)

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Give an account another password, unlock it, and end its sessions.

        Raise AccountError if there is none, it is an identity provider's, or the password too short.
        """
        _check_password(password)
        _check_made_here(name)
        with self._store.transaction() as session:
            user = _existing(session, name)
            user.password_hash = _hasher().hash(password)
            user.failed_attempts, user.locked_until = 0, None
            _end_sessions(session, user)
            audit(session, by, "user.password", f"user:{name}")

    def change_password(self, name: str, old: str, new: str, *, token: str) -> bool:
        """Let people choose their own password; all their sessions end but that of `token`.

        False if the old one is wrong, which counts like a failed sign-in, or the account is locked. Raise
        AccountError if the new one is too short.
        """
        _check_password(new)
        with self._store.transaction() as session:
            user = _existing(session, name)
            if user.locked_until is not None and user.locked_until > now():
                return False
            if not _hasher().verify(old, user.password_hash):
                _count_failure(session, user)
                return False
            user.password_hash = _hasher().hash(new)
            user.failed_attempts, user.locked_until = 0, None
            session.execute(
                delete(UserSession).where(
                    UserSession.user_id == user.id, UserSession.token_sha256 != token_hash(token)
                )
            )
            audit(session, actor_of(user), "user.password", f"user:{name}")
            return True

    def set_role(self, name: str, role: Role, *, by: str) -> None:
        """Give an account another role."""
        with self._store.transaction() as session:
            user = _existing(session, name)
            audit(session, by, "user.role", f"user:{name}", before=user.role, after=role.value)
            user.role = role.value

    def set_enabled(self, name: str, enabled: bool, *, by: str) -> None:
        """Let an account in again, or shut it out at once."""
        with self._store.transaction() as session:
            user = _existing(session, name)
            user.disabled_at = None if enabled else now()
            if not enabled:
                _end_sessions(session, user)
            audit(session, by, "user.enable" if enabled else "user.disable", f"user:{name}")

    def all(self) -> list[User]:
        """Return all accounts by name."""
        with self._store.transaction() as session:
            return list(session.scalars(select(User).order_by(User.name)))

    def sign_in(self, name: str, password: str) -> SignedIn | None:
        """Check a password and begin a session; None if it is wrong or the account locked or disabled.

        An unknown name takes as long as a wrong password, and so does one of an identity provider's.
        """
        with self._store.transaction() as session:
            user = None if is_provided(name) else _find(session, name)
            known = user.password_hash if user is not None else _nobodys_hash()
            right = _hasher().verify(password, known)
            if user is None or user.disabled_at is not None:
                return None
            if user.locked_until is not None and user.locked_until > now():
                return None
            if not right:
                _count_failure(session, user)
                return None
            user.failed_attempts, user.locked_until = 0, None
            return self._begin(session, user)

    def sign_in_as(self, name: str, display_name: str, role: Role, *, by: str) -> SignedIn | None:
        """Begin a session for a person that an identity provider vouches for; None if they are disabled.

        The account is made at the first time, with a password that nobody knows, and gets the role that the
        provider says now.
        """
        with self._store.transaction() as session:
            user = _find(session, name)
            if user is None:
                user = User(
                    name=name,
                    display_name=display_name,
                    role=role.value,
                    password_hash=_hasher().hash(secrets.token_urlsafe(32)),
                    failed_attempts=0,
                    created_at=now(),
                )
                session.add(user)
                session.flush()
                audit(session, by, "user.create", f"user:{name}", role=role.value)
            elif user.disabled_at is not None:
                return None
            elif user.role != role.value:
                audit(session, by, "user.role", f"user:{name}", before=user.role, after=role.value)
            user.role, user.display_name = role.value, display_name
            return self._begin(session, user)

    def _begin(self, session: Session, user: User) -> SignedIn:
        token, at = secrets.token_urlsafe(32), now()
        session.execute(delete(UserSession).where(UserSession.expires_at < at))
        session.add(
            UserSession(
                user_id=user.id,
                token_sha256=token_hash(token),
                csrf_token=secrets.token_urlsafe(32),
                created_at=at,
                last_seen_at=at,
                expires_at=at + self._lifetime,
            )
        )
        audit(session, actor_of(user), "sign_in")
        return SignedIn(user, token)

    def session_of(self, token: str) -> tuple[User, UserSession] | None:
        """Return who a cookie's token belongs to; None if it is unknown, over, or the account disabled."""
        with self._store.transaction() as session:
            found = session.execute(
                select(User, UserSession)
                .join(UserSession, UserSession.user_id == User.id)
                .where(
                    UserSession.token_sha256 == token_hash(token),
                    UserSession.expires_at > now(),
                    User.disabled_at.is_(None),
                )
            ).first()
            return None if found is None else (found[0], found[1])

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._store.transaction() as session:
            session.execute(delete(UserSession).where(UserSession.token_sha256 == token_hash(token)))


def token_hash(token: str) -> str:
    """Return what the store keeps of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_provided(name: str) -> bool:
    """Tell whether an identity provider vouches for the person of that name: no password here does."""
    return name.startswith(PROVIDED)


def new_password() -> str:
    """Return a password for somebody's first time."""
    return secrets.token_urlsafe(12)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()  # argon2


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))


def _check_password(password: str) -> None:
    if len(password) < LEAST_PASSWORD:
        raise AccountError(
            "the password is too short", where="account", expected=f"{LEAST_PASSWORD} characters or more"
        )


def _check_made_here(name: str) -> None:
    if is_provided(name):
        raise AccountError(
            f"names that begin with {PROVIDED} are the identity provider's",
            where="account",
            fix="Its people sign in there, without a password here.",
        )


def _find(session: Session, name: str) -> User | None:
    # The lock makes passwords that are tried side by side count one by one.
    return session.scalars(select(User).where(User.name == name).with_for_update()).one_or_none()


def _existing(session: Session, name: str) -> User:
    user = _find(session, name)
    if user is None:
        raise AccountError("there is no such account", where=f"account {name}", fix="`paidan users list`")
    return user


def _count_failure(session: Session, user: User) -> None:
    user.failed_attempts += 1
    beyond = user.failed_attempts - FREE_ATTEMPTS
    if beyond >= 0:
        user.locked_until = now() + min(timedelta(minutes=2 ** min(beyond, 10)), _LONGEST_LOCK)
    audit(session, actor_of(user), "sign_in.failed", attempts=user.failed_attempts)


def _end_sessions(session: Session, user: User) -> None:
    session.execute(delete(UserSession).where(UserSession.user_id == user.id))
