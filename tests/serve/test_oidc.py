"""Signing in through a small, real OpenID Connect provider that listens on this machine."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from serve.app import create_app
from serve.security.accounts import Accounts
from serve.security.oidc import OidcProvider, OidcUnavailable
from serve.security.roles import Role
from serve.settings import ServeSettingsError, load_settings
from serve.store.engine import Store
from serve.store.people import AuditEntry, User

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-the-client"


@cache
def key_of(owner: str) -> RSAKey:
    """Return the signing key of somebody; to make one takes a while."""
    return RSAKey.generate_key(2048, {"kid": "k1"})


class Provider:
    """Answers for one person at once. `claims` change what the next ID token says, `sign` who signs it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = key_of("the provider")
        self.sign = self.key
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.exchanges = 0
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.configuration)
        self.app.get("/jwks")(self.jwks)
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)

    def configuration(self) -> dict[str, str]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/out",
        }

    def jwks(self) -> Any:
        return KeySet([self.key]).as_dict(private=False)

    def authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        return RedirectResponse(f"{self.asked['redirect_uri']}?code=the-code&state={self.asked['state']}")

    async def token(self, request: Request) -> Response:
        sent = dict(parse_qsl((await request.body()).decode()))
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        login = base64.b64encode(f"paidan:{SECRET}".encode()).decode()
        if (
            request.headers.get("authorization") != f"Basic {login}"
            or sent.get("code") != "the-code"
            or challenge != self.asked["code_challenge"]
            or self.asked["code_challenge_method"] != "S256"
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.exchanges += 1
        at = int(time.time())
        claims = {
            "iss": self.url, "aud": "paidan", "sub": "person-7", "iat": at, "exp": at + 300, "name": "某坐席",
            "nonce": self.asked["nonce"], "groups": ["staff", "desk"],
        } | self.claims  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.sign)
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        )


@pytest.fixture
def provider() -> Iterator[Provider]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = Provider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(provider.app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield provider
    server.should_exit = True
    thread.join(10)


Visit = Callable[[], Any]


@pytest.fixture
def visit(provider: Provider, tables_url: str, scorer: Any, tmp_path: Path) -> Visit:
    """Return a context that gives a browser at the service, and its store."""
    (tmp_path / "secret").write_text(SECRET + "\n")

    @asynccontextmanager
    async def visiting() -> AsyncIterator[tuple[httpx.AsyncClient, Store]]:
        store = Store.open(tables_url)
        settings = load_settings(
            database_url=tables_url, write_ahead_file=tmp_path / "waiting.log", oidc_issuer=provider.url,
            oidc_client_id="paidan", oidc_client_secret_file=tmp_path / "secret",
            oidc_roles={"desk-leads": "lead", "desk": "operator"},
        )  # fmt: skip
        app = create_app(settings, scorer)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://paidan.test") as browser,
        ):
            yield browser, store
        store.close()

    return visiting


async def sign_in(browser: httpx.AsyncClient, target: str = "/password") -> httpx.Response:
    """Go to the provider and come back; return what the service says then."""
    begun = await browser.get("/login/oidc", params={"next": target})
    async with httpx.AsyncClient() as outside:
        authorized = await outside.get(begun.headers["location"])
    return await browser.get(authorized.headers["location"])


def people(store: Store) -> list[tuple[str, str, str]]:
    with store.transaction() as session:
        return [
            (user.name, user.display_name, user.role)
            for user in session.scalars(select(User).order_by(User.id))
        ]


async def test_first_sign_in_makes_an_account_with_the_mapped_role(visit: Visit):
    async with visit() as (browser, store):
        back = await sign_in(browser)
        assert (back.status_code, back.headers["location"]) == (303, "/password")
        assert (await browser.get("/password")).status_code == 200
        assert people(store) == [("oidc:person-7", "某坐席", "operator")]
        with store.transaction() as session:
            assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all() == [
                "user.create",
                "sign_in",
            ]


async def test_role_follows_the_provider(visit: Visit, provider: Provider):
    async with visit() as (browser, store):
        await sign_in(browser)
        provider.claims = {"groups": ["desk", "desk-leads"]}
        await sign_in(browser)
        assert people(store) == [("oidc:person-7", "某坐席", "lead")]


async def test_person_without_a_role_is_told_so(visit: Visit, provider: Provider):
    provider.claims = {"groups": ["staff"]}
    async with visit() as (browser, store):
        back = await sign_in(browser)
        assert back.status_code == 403
        assert "还没有本系统的角色" in back.text
        assert people(store) == []


async def test_disabled_person_stays_out(visit: Visit):
    async with visit() as (browser, store):
        await sign_in(browser)
        Accounts(store, session_hours=1).set_enabled("oidc:person-7", False, by="cli")
        back = await sign_in(browser)
        assert back.status_code == 403
        assert "paidan_session" not in back.cookies


async def test_account_made_here_cannot_be_taken_over(visit: Visit, provider: Provider):
    provider.claims = {"sub": "wang", "preferred_username": "wang"}
    async with visit() as (browser, store):
        Accounts(store, session_hours=1).add("wang", "correct horse battery", Role.ADMIN, by="cli")
        await sign_in(browser)
        assert [(name, role) for name, _, role in people(store)] == [
            ("wang", "admin"),
            ("oidc:wang", "operator"),
        ]


WRONG = {
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "audience": {"aud": "another-client"},
    "authorized party": {"azp": "another-client"},
    "issuer": {"iss": "https://elsewhere.example"},
    "expired": {"exp": 1_700_000_000},
    "no end": {"exp": None},
    "from the future": {"iat": 9_999_999_999},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)  # refused before anything is stored
async def test_wrong_token_is_refused(visit: Visit, provider: Provider, claims: dict[str, Any]):
    provider.claims = claims
    async with visit() as (browser, store):
        back = await sign_in(browser)
        assert back.status_code == 401
        assert "无效或已过期" in back.text
        assert provider.exchanges == 1
        assert people(store) == []


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_token_signed_by_another_key_is_refused(visit: Visit, provider: Provider):
    provider.sign = key_of("somebody else")
    async with visit() as (browser, store):
        assert (await sign_in(browser)).status_code == 401
        assert people(store) == []


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_another_state_is_refused(visit: Visit, provider: Provider):
    async with visit() as (browser, _):
        await browser.get("/login/oidc")
        back = await browser.get("/login/oidc/callback", params={"code": "the-code", "state": "forged"})
        assert back.status_code == 401
        assert provider.exchanges == 0


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_answer_in_a_browser_that_did_not_ask_is_refused(visit: Visit, provider: Provider):
    async with visit() as (browser, _):
        begun = await browser.get("/login/oidc")
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
        browser.cookies.clear()
        back = await browser.get("/login/oidc/callback", params={"code": "the-code", "state": state})
        assert back.status_code == 401
        assert provider.exchanges == 0


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_provider_that_is_down_is_told(visit: Visit, provider: Provider):
    provider.configuration = lambda: {}  # type: ignore[method-assign]
    provider.app.router.routes.clear()
    async with visit() as (browser, _):
        back = await browser.get("/login/oidc")
        assert back.status_code == 502
        assert "没有答复" in back.text


async def test_failed_fetch_is_remembered_for_some_seconds(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    asked, clock = [], time.monotonic()
    found = provider.configuration()

    def answer(address: str, **_: Any) -> httpx.Response:
        asked.append(address)
        request = httpx.Request("GET", address)
        return (
            httpx.Response(200, json=found, request=request)
            if len(asked) > 1
            else httpx.Response(503, request=request)
        )

    monkeypatch.setattr("serve.security.oidc.httpx.get", answer)
    monkeypatch.setattr("serve.security.oidc.monotonic", lambda: clock)
    known = OidcProvider(provider.url, "paidan", SECRET, "groups", {})
    for _ in range(3):
        with pytest.raises(OidcUnavailable):
            known.begin("http://paidan.test/back", "/")
    assert len(asked) == 1
    clock += 11
    assert known.begin("http://paidan.test/back", "/")[0].startswith(f"{provider.url}/authorize")
    assert len(asked) == 2


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_other_sites_are_no_target(visit: Visit):
    async with visit() as (browser, _):
        back = await sign_in(browser, "https://elsewhere.example/")
        assert back.headers["location"] == "/review"


@pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)
async def test_signing_out_here_and_there(visit: Visit, provider: Provider):
    async with visit() as (browser, _):
        await sign_in(browser)
        left = await browser.post("/logout")
        page = await browser.get(left.headers["location"])
        link = re.search(r'href="(/login/oidc/out)"', page.text)
        assert link
        out = await browser.get(link[1])
        assert out.headers["location"].startswith(
            f"{provider.url}/out?client_id=paidan&post_logout_redirect_uri="
        )
        assert (
            (await browser.get("/password", headers={"accept": "text/html"}))
            .headers["location"]
            .startswith("/login")
        )


@pytest.mark.parametrize(
    "options",
    [
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "http://id.example", "oidc_client_id": "p", "oidc_client_secret_file": "s", "oidc_roles": {"a": "lead"}},
        {"oidc_issuer": "https://id.example", "oidc_client_id": "p", "oidc_client_secret_file": "s", "oidc_roles": {"a": "king"}},
    ],
)  # fmt: skip
def test_half_a_provider_is_refused(options: dict[str, Any]):
    with pytest.raises(ServeSettingsError):
        load_settings(database_url="sqlite://", **options)


def test_without_it_its_packages_are_not_imported():
    code = (
        "import sys; from serve.app import create_app; from serve.settings import load_settings; "
        "create_app(load_settings()); print([m for m in ('authlib', 'joserfc', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
