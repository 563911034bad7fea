"""Signing in through a city's own identity provider: OpenID Connect, code flow with PKCE, state and nonce.

Imported only where `oidc_issuer` is set: it needs the packages of the extra `oidc`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from time import monotonic
from typing import Any

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from serve.security.accounts import PROVIDED
from serve.security.roles import Role
from serve.settings import ServeSettings, ServeSettingsError

PENDING_SECONDS = 600
"""How long a person may take at the provider."""

_ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384"]
_LEEWAY_SECONDS = 60
_SECONDS = 5.0
_AGAIN_SECONDS = 10.0
_LONGEST_SUBJECT = 90


class OidcUnavailable(Exception):
    """The provider does not answer, or not as one."""


class OidcRefused(Exception):
    """What came back proves nothing. The message says what is wrong with it, and quotes nothing of it."""


class OidcWithoutRole(Exception):
    """The person is known to the provider, but none of their groups has a role here."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was sent to the provider: it stays in a signed cookie of that browser."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    target: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the provider vouches for them. `name` is derived from the subject, which never changes."""

    name: str
    display_name: str
    role: Role


class OidcProvider:
    """One provider, whose configuration is fetched when first needed. Safe to use from several threads."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, role_claim: str, roles: Mapping[str, Role]
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._role_claim = role_claim
        self._roles = roles
        self._lock = Lock()
        self._metadata: Mapping[str, Any] | None = None
        self._not_before = 0.0
        self._serializer = URLSafeTimedSerializer(client_secret, salt="paidan-oidc-pending")

    @classmethod
    def from_settings(cls, settings: ServeSettings) -> OidcProvider:
        """Take what the settings say; raise ServeSettingsError if the secret cannot be read."""
        issuer, client_id, file = (
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret_file,
        )
        assert issuer is not None and client_id is not None and file is not None  # the settings see to it
        try:
            secret = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServeSettingsError(
                f"cannot be read ({type(error).__name__})", where=str(file), expected="the client's secret"
            ) from error
        if not secret:
            raise ServeSettingsError("is empty", where=str(file), expected="the client's secret")
        return cls(issuer, client_id, secret, settings.oidc_role_claim, settings.oidc_roles)

    def begin(self, redirect_uri: str, target: str) -> tuple[str, Pending]:
        """Return the provider's address to send a browser to, and what to keep until it comes back.

        Raises:
            OidcUnavailable: the provider does not answer.
        """
        pending = Pending(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(64),
            redirect_uri=redirect_uri,
            target=target,
        )
        with self._client(pending) as client:
            address, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=pending.state,
                nonce=pending.nonce,
                code_verifier=pending.verifier,
            )
        return str(address), pending

    def seal(self, pending: Pending) -> str:
        """Return the cookie's value."""
        return self._serializer.dumps(asdict(pending))

    def unseal(self, cookie: str) -> Pending:
        """Read the cookie; raise OidcRefused if it is not ours, or too old."""
        try:
            return Pending(**self._serializer.loads(cookie, max_age=PENDING_SECONDS))
        except BadSignature:
            raise OidcRefused("the sign-in was not begun in this browser, or took too long") from None

    def finish(self, pending: Pending, query: Mapping[str, str]) -> Identity:
        """Return who came back from the provider with this query.

        Raises:
            OidcUnavailable: the provider does not answer.
            OidcRefused: state, code or ID token prove nothing.
            OidcWithoutRole: the person has no role here.
        """
        if not secrets.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise OidcRefused("another state")
        if "code" not in query:
            raise OidcRefused("no code")
        return self._identity(self._claims(self._token(pending, query["code"]), pending.nonce))

    def end_session(self, back: str) -> str | None:
        """Return the provider's address for signing out there, too; None if it has none."""
        endpoint = self._configuration().get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return None
        return str(
            httpx.URL(endpoint).copy_merge_params(
                {"client_id": self._client_id, "post_logout_redirect_uri": back}
            )
        )

    def _client(self, pending: Pending) -> OAuth2Client:
        return OAuth2Client(
            self._client_id,
            self._client_secret,
            scope="openid profile",
            redirect_uri=pending.redirect_uri,
            code_challenge_method="S256",
            timeout=_SECONDS,
        )

    def _token(self, pending: Pending, code: str) -> str:
        try:
            with self._client(pending) as client:
                token = client.fetch_token(
                    self._endpoint("token_endpoint"), code=code, code_verifier=pending.verifier
                )
        except OAuthError:
            raise OidcRefused("the provider does not know the code") from None
        except (httpx.HTTPError, ValueError):
            raise OidcUnavailable from None
        if not isinstance(token.get("id_token"), str):
            raise OidcRefused("no ID token")
        return str(token["id_token"])

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        wanted = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            # The keys are fetched anew: sign-ins are rare, and a provider changes its keys when it likes.
            keys = KeySet.import_key_set(self._fetch(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
            wanted.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OidcRefused(f"the ID token does not hold ({type(error).__name__})") from None
        if claims.get("azp", self._client_id) != self._client_id:
            raise OidcRefused("the ID token was made for another client")
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        value: Any = claims
        for name in self._role_claim.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        held = set(map(str, value)) if isinstance(value, list) else {str(value)}
        role = next((role for name, role in self._roles.items() if name in held), None)
        if role is None:
            raise OidcWithoutRole
        subject = str(claims["sub"])
        if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            subject = hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()
        shown = claims.get("name") or claims.get("preferred_username") or subject
        return Identity(f"{PROVIDED}{subject}", str(shown)[:100], role)

    def _endpoint(self, name: str) -> str:
        found = self._configuration().get(name)
        if not isinstance(found, str):
            raise OidcUnavailable
        return found

    def _configuration(self) -> Mapping[str, Any]:
        with self._lock:
            if self._metadata is None:
                # Those who waited for a fetch that failed do not each wait for one more.
                if monotonic() < self._not_before:
                    raise OidcUnavailable
                try:
                    found = self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                    if found.get("issuer") != self._issuer:
                        raise OidcUnavailable
                except OidcUnavailable:
                    self._not_before = monotonic() + _AGAIN_SECONDS
                    raise
                self._metadata = found
            return self._metadata

    def _fetch(self, address: str) -> Mapping[str, Any]:
        try:
            answer = httpx.get(address, timeout=_SECONDS).raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            raise OidcUnavailable from None
        if not isinstance(answer, dict):
            raise OidcUnavailable
        return answer
