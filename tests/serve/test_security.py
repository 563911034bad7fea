"""Accounts, sessions and keys, on both databases, through the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from serve.app import create_app
from serve.errors import NotReady
from serve.security.accounts import FREE_ATTEMPTS, AccountError, Accounts
from serve.security.keys import ApiKeyError, ApiKeys, KeyMissing, Scope, ScopeMissing
from serve.security.roles import Role
from serve.security.sessions import signed_in
from serve.settings import ServeSettingsError, load_settings
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import ApiKey, AuditEntry, User, UserSession

PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(store: Store) -> Accounts:
    accounts = Accounts(store, session_hours=10)
    accounts.add("wang", PASSWORD, Role.OPERATOR, by="cli")
    return accounts


@pytest.fixture
def keys(store: Store) -> ApiKeys:
    return ApiKeys(store)


def _actions(store: Store) -> list[str]:
    with store.transaction() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_right_password_begins_a_session(accounts: Accounts, store: Store) -> None:
    found = accounts.sign_in("wang", PASSWORD)
    assert found is not None
    belongs = accounts.session_of(found.token)
    assert belongs is not None
    assert belongs[0].name == "wang"
    assert _actions(store) == ["user.create", "sign_in"]


@pytest.mark.parametrize(("name", "password"), [("wang", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_anything_else_does_not(accounts: Accounts, name: str, password: str) -> None:
    assert accounts.sign_in(name, password) is None


@pytest.mark.parametrize("act", ["add", "set_password"])
def test_names_of_the_identity_provider_get_no_password_here(accounts: Accounts, act: str) -> None:
    accounts.sign_in_as("oidc:person-7", "某坐席", Role.OPERATOR, by="oidc")
    with pytest.raises(AccountError, match="identity provider"):
        if act == "add":
            accounts.add("oidc:person-8", PASSWORD, Role.ADMIN, by="cli")
        else:
            accounts.set_password("oidc:person-7", PASSWORD, by="cli")


def test_people_of_the_identity_provider_do_not_sign_in_here(accounts: Accounts, store: Store) -> None:
    accounts.sign_in_as("oidc:person-7", "某坐席", Role.OPERATOR, by="oidc")
    with store.transaction() as session:
        known = select(User.password_hash).where(User.name == "wang").scalar_subquery()
        session.execute(update(User).where(User.name == "oidc:person-7").values(password_hash=known))
    assert accounts.sign_in("oidc:person-7", PASSWORD) is None


def test_the_store_holds_neither_password_nor_token(accounts: Accounts, store: Store) -> None:
    found = accounts.sign_in("wang", PASSWORD)
    with store.transaction() as session:
        user = session.scalars(select(User)).one()
        kept = session.scalars(select(UserSession)).one()
    assert (user.password_hash or "").startswith("$argon2")
    assert found is not None
    assert found.token not in (kept.token_sha256, kept.csrf_token)


def test_wrong_passwords_lock_the_account_for_a_while(accounts: Accounts, store: Store) -> None:
    for _ in range(FREE_ATTEMPTS):
        accounts.sign_in("wang", "wrong")
    assert accounts.sign_in("wang", PASSWORD) is None
    with store.transaction() as session:
        session.execute(update(User).values(locked_until=now() - timedelta(seconds=1)))
    assert accounts.sign_in("wang", PASSWORD) is not None


def test_a_disabled_account_is_out_at_once(accounts: Accounts) -> None:
    found = accounts.sign_in("wang", PASSWORD)
    accounts.set_enabled("wang", False, by="cli")
    assert found is not None
    assert accounts.session_of(found.token) is None
    assert accounts.sign_in("wang", PASSWORD) is None


def test_another_password_ends_all_sessions(accounts: Accounts) -> None:
    found = accounts.sign_in("wang", PASSWORD)
    accounts.set_password("wang", "another password", by="cli")
    assert found is not None
    assert accounts.session_of(found.token) is None


def test_a_session_ends(accounts: Accounts, store: Store) -> None:
    found = accounts.sign_in("wang", PASSWORD)
    with store.transaction() as session:
        session.execute(update(UserSession).values(expires_at=now() - timedelta(seconds=1)))
    assert found is not None
    assert accounts.session_of(found.token) is None


def test_short_passwords_and_taken_names_are_refused(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="too short"):
        accounts.add("li", "short", Role.LEAD, by="cli")
    with pytest.raises(AccountError, match="taken"):
        accounts.add("wang", PASSWORD, Role.LEAD, by="cli")


def test_a_key_opens_its_scopes_only(keys: ApiKeys) -> None:
    key = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    keys.check(f"Bearer {key}", Scope.SCORE)
    with pytest.raises(ScopeMissing):
        keys.check(f"Bearer {key}", Scope.FEEDBACK)


def test_an_admin_key_opens_all(keys: ApiKeys) -> None:
    key = keys.create("ops", [Scope.ADMIN], days=None, by="cli")
    keys.check(f"Bearer {key}", Scope.SCORE)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer pd_00000000_guess"])
def test_what_is_no_key_is_refused(keys: ApiKeys, header: str) -> None:
    with pytest.raises(KeyMissing):
        keys.check(header, Scope.SCORE)


def test_a_changed_secret_is_refused(keys: ApiKeys) -> None:
    key = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    with pytest.raises(KeyMissing):
        keys.check(f"Bearer {key[:-1]}{'a' if key[-1] != 'a' else 'b'}", Scope.SCORE)


def test_a_revoked_key_is_refused(keys: ApiKeys, store: Store) -> None:
    key = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    keys.revoke("hotline", by="cli")
    with pytest.raises(KeyMissing):
        ApiKeys(store).check(f"Bearer {key}", Scope.SCORE)


def test_a_key_ends(keys: ApiKeys, store: Store) -> None:
    key = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    with store.transaction() as session:
        session.execute(update(ApiKey).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(KeyMissing):
        keys.check(f"Bearer {key}", Scope.SCORE)


def test_rotation_replaces_the_secret(keys: ApiKeys, store: Store) -> None:
    old = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    new = keys.rotate("hotline", by="cli")
    keys.check(f"Bearer {new}", Scope.SCORE)
    with pytest.raises(KeyMissing):
        keys.check(f"Bearer {old}", Scope.SCORE)
    assert _actions(store) == ["key.create", "key.rotate"]


@pytest.mark.parametrize(
    "error", [DBAPIError("select", {}, Exception("gone")), NoFreeConnection()], ids=["gone", "busy"]
)
def test_a_key_that_was_valid_survives_a_fallen_store_for_a_minute(
    keys: ApiKeys, monkeypatch: pytest.MonkeyPatch, error: SQLAlchemyError
) -> None:
    key = keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    keys.check(f"Bearer {key}", Scope.SCORE)

    def fall() -> None:
        raise error

    monkeypatch.setattr(keys._store, "transaction", fall)
    clock = monotonic()
    monkeypatch.setattr("serve.security.keys.monotonic", lambda: clock + 30)
    keys.check(f"Bearer {key}", Scope.SCORE)
    monkeypatch.setattr("serve.security.keys.monotonic", lambda: clock + 90)
    with pytest.raises(NotReady):  # by now it may have been revoked
        keys.check(f"Bearer {key}", Scope.SCORE)


def test_a_revoked_key_cannot_be_rotated(keys: ApiKeys) -> None:
    keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    keys.revoke("hotline", by="cli")
    with pytest.raises(ApiKeyError, match="revoked"):
        keys.rotate("hotline", by="cli")


def test_a_taken_name_and_an_unknown_key_are_told(keys: ApiKeys) -> None:
    keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    with pytest.raises(ApiKeyError, match="taken"):
        keys.create("hotline", [Scope.SCORE], days=1, by="cli")
    with pytest.raises(ApiKeyError, match="no such key"):
        keys.revoke("nothing", by="cli")


def test_an_open_address_without_a_store_is_refused() -> None:
    with pytest.raises(ServeSettingsError, match="database_url is null"):
        load_settings(host="0.0.0.0")
    assert not load_settings(host="0.0.0.0", require_api_key=False).needs_api_key
    assert not load_settings().needs_api_key


@asynccontextmanager
async def _client(tables_url: str, tmp_path, scorer, **options: object) -> AsyncIterator[httpx.AsyncClient]:
    settings = load_settings(database_url=tables_url, write_ahead_file=tmp_path / "waiting.log", **options)
    store = Store.open(tables_url)
    accounts = Accounts(store, session_hours=10)
    accounts.add("wang", PASSWORD, Role.OPERATOR, by="cli")
    app: FastAPI = create_app(settings, scorer)

    @app.get("/test/any", include_in_schema=False)
    def any_person(user: User = Depends(signed_in())) -> str:  # noqa: B008
        return user.name

    @app.post("/test/any", include_in_schema=False)
    def change(user: User = Depends(signed_in())) -> str:  # noqa: B008
        return user.name

    @app.get("/test/lead", include_in_schema=False)
    def lead(user: User = Depends(signed_in("lead"))) -> str:  # noqa: B008
        return user.name

    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client
    store.close()


async def _sign_in(client: httpx.AsyncClient, target: str = "/test/any") -> httpx.Response:
    return await client.post("/login", data={"name": "wang", "password": PASSWORD, "next": target})


@pytest.mark.anyio
async def test_a_page_sends_a_stranger_to_sign_in_and_back(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        asked = await client.get("/test/any?a=1", headers={"Accept": "text/html"})
        assert asked.headers["location"] == "/login?next=/test/any%3Fa%3D1"
        answer = await _sign_in(client, "/test/any?a=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/test/any?a=1")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await client.get("/test/any")).json() == "wang"


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", "", "/a\nb"])
async def test_nobody_is_sent_to_another_site(tables_url, tmp_path, scorer, target: str) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        assert (await _sign_in(client, target)).headers["location"] == "/review"


@pytest.mark.anyio
async def test_a_script_is_told_401(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        answer = await client.post("/test/any")
        assert answer.status_code == 401
        assert answer.json()["type"].endswith(":not-signed-in")


@pytest.mark.anyio
async def test_changes_need_the_token_of_the_page_and_the_role(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        await _sign_in(client)
        assert (await client.post("/test/any")).status_code == 403
        strange = await client.post("/test/any", headers={"X-CSRF-Token": "\xe9".encode("latin-1")})
        assert strange.status_code == 403
        store = Store.open(tables_url)
        with store.transaction() as session:
            token = session.scalars(select(UserSession.csrf_token)).one()
        store.close()
        sent = await client.post("/test/any", headers={"X-CSRF-Token": token})
        assert sent.json() == "wang"
        assert (await client.get("/test/lead")).status_code == 403


@pytest.mark.anyio
async def test_a_wrong_password_is_told_in_chinese(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        answer = await client.post("/login", data={"name": "<b>", "password": "wrong"})
        assert answer.status_code == 401
        assert "用户名或密码不对" in answer.text
        assert "<b>" not in answer.text


@pytest.mark.anyio
async def test_a_form_on_another_site_signs_nobody_in(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        answer = await client.post(
            "/login",
            data={"name": "wang", "password": PASSWORD},
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_signing_out_ends_the_session(tables_url, tmp_path, scorer) -> None:
    async with _client(tables_url, tmp_path, scorer) as client:
        await _sign_in(client)
        kept = client.cookies["paidan_session"]
        await client.post("/logout")
        client.cookies.set("paidan_session", kept)
        assert (await client.get("/test/any")).status_code == 401


@pytest.mark.anyio
async def test_on_an_open_address_calls_need_a_key_and_people_an_account(
    tables_url, tmp_path, scorer
) -> None:
    async with _client(tables_url, tmp_path, scorer, require_api_key=True) as client:
        body = {"ticket_id": "1", "text": "停水"}
        refused = await client.post("/v1/score", json=body)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert (await client.get("/", headers={"Accept": "text/html"})).status_code == 303
        store = Store.open(tables_url)
        key = ApiKeys(store).create("hotline", [Scope.SCORE], days=1, by="cli")
        store.close()
        taken = await client.post("/v1/score", json=body, headers={"Authorization": f"Bearer {key}"})
        assert taken.status_code == 200
        assert taken.json()["stored"] is True
        assert (await client.get("/healthz")).status_code == 200
