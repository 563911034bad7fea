"""A real browser, and applications that listen for it."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import uvicorn
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page

from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import User, UserSession

SETTLED = 600
"""Milliseconds until colours have settled after a change of theme."""


@contextmanager
def _listening(app: object) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the application did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def listening() -> Callable[[object], AbstractContextManager[str]]:
    """Return a function that lets an application listen, and gives its address."""
    return _listening


@pytest.fixture
def cookie_of() -> Callable[[Store, str, str, str], dict[str, str]]:
    """Return a function that makes a person of a role in a store, signed in: the cookie for an address."""

    def made(store: Store, url: str, name: str, role: str) -> dict[str, str]:
        token = uuid4().hex
        with store.transaction() as session:
            user = User(
                name=name,
                display_name=f"人员{name}",
                role=role,
                password_hash="-",
                failed_attempts=0,
                created_at=now(),
            )
            session.add(user)
            session.flush()
            session.add(
                UserSession(
                    user_id=user.id,
                    token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                    csrf_token=uuid4().hex,
                    created_at=now(),
                    last_seen_at=now(),
                    expires_at=now() + timedelta(hours=1),
                )
            )
        return {"name": "paidan_session", "value": token, "url": url}

    return made


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """Return a function that names what axe-core finds wrong with a page, in light and in dark."""

    def found(page: Page) -> list[str]:
        names = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(SETTLED)
            for violation in Axe().run(page)["violations"]:
                names.append(f"{scheme}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")
        return names

    return found
