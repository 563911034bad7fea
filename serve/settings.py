"""What can be set of the service: YAML, then environment, then command line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from data.errors import PaidanError
from data.tickets.ticket import MAX_TEXT_LENGTH
from data.yaml_settings import read_settings
from serve.security.roles import Role as PersonRole

Count = Annotated[int, Field(ge=1)]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


_OWN_ADDRESSES = ("127.0.0.1", "::1", "localhost")


class ServeSettingsError(PaidanError):
    """A setting of the service is unknown, out of range or cannot be read."""


class ServeSettings(BaseSettings):
    """The settings of configs/serve.yaml, which explains each of them."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="PAIDAN_", env_parse_none_str="null"
    )

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)]
    artifact: Path
    artifact_check_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] | None
    threads: Count | None
    precision: Literal["auto", "fp32", "int8"]
    tuning_file: Path
    cascade: bool
    cache_entries: Annotated[int, Field(ge=0)]
    max_body_bytes: Annotated[int, Field(ge=1024)]
    max_text_length: Annotated[int, Field(ge=1, le=MAX_TEXT_LENGTH)]
    max_batch_tickets: Count
    top_k: Count
    max_top_k: Count
    max_batch_size: Count
    queue_characters: Count
    queue_seconds: Seconds
    bulk_piece: Count
    max_bulk_calls: Count
    deadline_seconds: Seconds
    drain_seconds: Seconds
    review_lease_seconds: Seconds
    second_opinion_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    second_opinion_seed: int
    database_url: str | None
    write_ahead_file: Path
    write_ahead_bytes: Annotated[int, Field(ge=1024)]
    retention_days: Count | None
    similar_tickets: Annotated[int, Field(ge=0, le=1_000_000)]
    audit_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    audit_seed: int
    dispatch_minutes: Minutes
    urgent_dispatch_minutes: Minutes
    sample_queue: bool
    session_hours: Annotated[float, Field(gt=0, le=720)]
    sign_in_failures_per_minute: Count | None
    oidc_issuer: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] | None
    oidc_client_id: Annotated[str, Field(min_length=1)] | None
    oidc_client_secret_file: Path | None
    oidc_role_claim: Annotated[str, Field(min_length=1)]
    oidc_roles: dict[str, PersonRole]
    require_api_key: bool | None
    log_level: Literal["debug", "info", "warning", "error"]
    metrics_key: Annotated[SecretStr, Field(min_length=16)] | None
    tracing_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] | None

    @property
    def needs_api_key(self) -> bool:
        """Tell whether callers must show a key: everywhere but on this machine's own address, unless set."""
        if self.require_api_key is not None:
            return self.require_api_key
        return self.host not in _OWN_ADDRESSES

    @model_validator(mode="after")
    def _keys_need_a_store(self) -> ServeSettings:
        if self.needs_api_key and self.database_url is None:
            raise ValueError(
                "database_url is null, but keys are kept in the database: name one, or, if something else "
                "keeps strangers out, set require_api_key to false"
            )
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> ServeSettings:
        if self.oidc_issuer is None:
            return self
        if self.oidc_client_id is None or self.oidc_client_secret_file is None or not self.oidc_roles:
            raise ValueError("oidc_issuer needs oidc_client_id, oidc_client_secret_file and oidc_roles, too")
        if self.database_url is None:
            raise ValueError("oidc_issuer needs a database: people's accounts are kept there")
        if (
            urlsplit(self.oidc_issuer).scheme == "http"
            and urlsplit(self.oidc_issuer).hostname not in _OWN_ADDRESSES
        ):
            raise ValueError("oidc_issuer must be an https address: what it says decides who may sign in")
        return self

    @model_validator(mode="after")
    def _samples_stay_at_home(self) -> ServeSettings:
        if self.sample_queue and (self.database_url is None or self.host not in _OWN_ADDRESSES):
            raise ValueError(
                "sample_queue makes an account and prints its password: it needs a database, and a service "
                "that listens on this machine only (127.0.0.1)"
            )
        return self

    @model_validator(mode="after")
    def _top_k_within_its_limit(self) -> ServeSettings:
        if self.top_k > self.max_top_k:
            raise ValueError("top_k is more than max_top_k")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the caller only: `load_settings` puts the sources in order."""
        return (init_settings,)


def default_settings() -> dict[str, object]:
    """Return the content of configs/serve.yaml."""
    return read_settings(Path(str(files("configs") / "serve.yaml")), ServeSettingsError)


def load_settings(path: Path | None = None, **options: object) -> ServeSettings:
    """Put the settings together: defaults, the file, PAIDAN_* variables, then `options` that are not None.

    Raises:
        ServeSettingsError: the file cannot be read, or a setting is unknown or out of range.
    """
    values = default_settings() | (read_settings(path, ServeSettingsError) if path else {})
    values |= EnvSettingsSource(ServeSettings)()
    values |= {name: value for name, value in options.items() if value is not None}
    try:
        return ServeSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise ServeSettingsError(
            f"setting {name}: {first['msg']}" if name else first["msg"].removeprefix("Value error, "),
            where=str(path) if path else "settings",
            fix="configs/serve.yaml lists every setting with its meaning.",
        ) from error
