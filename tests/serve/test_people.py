"""Own passwords, reading the audit log, and how many wrong passwords an address may try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.app import create_app
from serve.security.accounts import FREE_ATTEMPTS, AccountError, Accounts
from serve.security.roles import Role
from serve.security.sign_in_limit import SignInLimit
from serve.security.trail import read_trail
from serve.settings import load_settings
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import AuditEntry

PASSWORD = "correct horse battery"
BETTER = "a better password"


@pytest.fixture
def accounts(store: Store) -> Accounts:
    accounts = Accounts(store, session_hours=10)
    accounts.add("wang", PASSWORD, Role.OPERATOR, by="cli")
    return accounts


def token(accounts: Accounts) -> str:
    found = accounts.sign_in("wang", PASSWORD)
    assert found is not None
    return found.token


def test_own_password_ends_other_sessions_only(accounts: Accounts):
    here, elsewhere = token(accounts), token(accounts)
    assert accounts.change_password("wang", PASSWORD, BETTER, token=here)
    assert accounts.session_of(here) is not None
    assert accounts.session_of(elsewhere) is None
    assert accounts.sign_in("wang", PASSWORD) is None
    assert accounts.sign_in("wang", BETTER) is not None


def test_guessing_the_old_password_locks_the_account(accounts: Accounts):
    here = token(accounts)
    for _ in range(FREE_ATTEMPTS):
        assert not accounts.change_password("wang", "a wrong guess", BETTER, token=here)
    assert not accounts.change_password("wang", PASSWORD, BETTER, token=here)
    assert accounts.sign_in("wang", PASSWORD) is None


def test_new_password_keeps_the_rules(accounts: Accounts):
    with pytest.raises(AccountError):
        accounts.change_password("wang", PASSWORD, "short", token=token(accounts))


def test_trail_is_filtered_by_person_action_and_time(store: Store, accounts: Accounts):
    with store.transaction() as session:
        for actor, action, hours in (
            ("user:li", "review.settle", 1),
            ("user:li", "user.role", 2),
            ("cli", "a%b", 3),
        ):
            session.add(
                AuditEntry(
                    at=now() - timedelta(hours=hours), actor=actor, action=action, subject=None, details={}
                )
            )

    def actions(**wanted: Any) -> list[str]:
        return [entry.action for entry in read_trail(store, **wanted).entries]

    assert actions(person="li") == ["user.role", "review.settle"]
    assert actions(person="cli") == ["a%b", "user.create"]
    assert actions(action="review.") == ["review.settle"]
    assert actions(action="a%") == ["a%b"]
    assert actions(action="%") == []
    assert actions(since=now() - timedelta(minutes=90), until=now() - timedelta(minutes=30)) == [
        "review.settle"
    ]


def test_trail_is_paged_from_the_latest_on(store: Store):
    with store.transaction() as session:
        session.add_all(
            AuditEntry(at=now(), actor="cli", action="x", subject=str(i), details={}) for i in range(5)
        )
    seen, before = [], None
    while True:
        page = read_trail(store, before=before, most=2)
        seen += [entry.subject for entry in page.entries]
        before = page.older
        if before is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_failures_of_one_address_are_bounded_for_a_minute():
    clock = Clock()
    limit = SignInLimit(3, clock)
    assert [limit.enter("10.0.0.1") for _ in range(4)] == [True, True, True, False]
    assert limit.enter("10.0.0.2")
    clock.at = 59.0
    assert (limit.enter("10.0.0.1"), limit.wait_seconds()) == (False, 1)
    clock.at = 60.0
    assert limit.enter("10.0.0.1")


def test_right_passwords_of_a_whole_office_do_not_count():
    limit = SignInLimit(3, Clock())
    for _ in range(200):
        assert limit.enter("10.0.0.1")
        limit.succeeded("10.0.0.1")


def test_ipv6_addresses_count_by_their_network():
    limit = SignInLimit(1, Clock())
    assert limit.enter("2001:db8:1:2::1")
    assert not limit.enter("2001:db8:1:2:ffff::9")
    assert limit.enter("2001:db8:1:3::1")
    assert limit.enter("::ffff:10.0.0.1")
    assert not limit.enter("10.0.0.1")


@pytest.fixture
async def browser(tables_url: str, scorer: Any, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = Store.open(tables_url)
    accounts = Accounts(store, session_hours=1)
    for name, role in (("wang", Role.OPERATOR), ("chief", Role.ADMIN)):
        accounts.add(name, PASSWORD, role, by="cli")
    store.close()
    settings = load_settings(
        database_url=tables_url, write_ahead_file=tmp_path / "waiting.log", sign_in_failures_per_minute=3
    )
    app = create_app(settings, scorer)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


@pytest.mark.anyio
@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_an_address_that_guesses_has_to_wait(browser: httpx.AsyncClient):
    for _ in range(3):
        assert (await browser.post("/login", data={"name": "wang", "password": "wrong"})).status_code == 401
    answer = await browser.post("/login", data={"name": "wang", "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.anyio
@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_forms_without_the_pages_own_token_are_refused(browser: httpx.AsyncClient):
    await browser.post("/login", data={"name": "chief", "password": PASSWORD})
    for path, sent in (
        ("/password", {"old": PASSWORD, "new": BETTER, "again": BETTER}),
        ("/admin/users/add", {"name": "intruder", "role": "admin"}),
        ("/admin/users/reset", {"name": "wang", "csrf_token": "guessed"}),
    ):
        assert (await browser.post(path, data=sent)).status_code == 403
    assert "intruder" not in (await browser.get("/admin/users")).text


@pytest.mark.anyio
@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_admins_cannot_shut_themselves_out(browser: httpx.AsyncClient):
    await browser.post("/login", data={"name": "chief", "password": PASSWORD})
    page = await browser.get("/admin/users")
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    answer = await browser.post("/admin/users/disable", data={"name": "chief", "csrf_token": token})
    assert answer.status_code == 422
    assert "不能在这里改自己的账号" in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_people_of_the_identity_provider_get_no_password(browser: httpx.AsyncClient, tables_url: str):
    store = Store.open(tables_url)
    Accounts(store, session_hours=1).sign_in_as("oidc:person-7", "某坐席", Role.OPERATOR, by="oidc")
    store.close()
    await browser.post("/login", data={"name": "chief", "password": PASSWORD})
    page = await browser.get("/admin/users")
    assert "重置wang的密码" in page.text
    assert "重置oidc:person-7的密码" not in page.text
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    for act, name in (("add", "oidc:new"), ("reset", "oidc:person-7")):
        sent = {"name": name, "role": "admin", "csrf_token": token}
        answer = await browser.post(f"/admin/users/{act}", data=sent)
        assert answer.status_code == 422
        assert "由统一身份认证管理" in answer.text
