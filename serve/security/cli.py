"""`paidan users` and `paidan keys`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve.security.roles import Role

if TYPE_CHECKING:
    from serve.security.accounts import Accounts
    from serve.security.keys import ApiKeys

users = typer.Typer(help="Manage the people who sign in.", no_args_is_help=True)
keys = typer.Typer(help="Manage the keys of calling programs.", no_args_is_help=True)

_DATABASE = typer.Option(help="URL of the store.  [default: the setting `database_url`]", show_default=False)
_CONFIG = typer.Option(help="YAML file with settings to change.", show_default=False)
_ASK = typer.Option("--ask", help="Ask for the password instead of making one.")

Database = Annotated[str | None, _DATABASE]
Config = Annotated[Path | None, _CONFIG]
Name = Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)]
KeyName = Annotated[str, typer.Argument(help="The name of the key.", show_default=False)]


@users.command("add")
def add_user(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person does.")] = Role.OPERATOR,
    display_name: Annotated[str | None, typer.Option(help="The name that others see.")] = None,
    ask: Annotated[bool, _ASK] = False,
    database: Database = None,
    config: Config = None,
) -> None:
    """Make an account. Its password is made and printed once, unless you choose to type one."""
    from serve.security.audit import CLI

    password = _password(ask)
    accounts_of(database, config).add(name, password, role, by=CLI, display_name=display_name)
    typer.echo(f"{name} ({role})" + ("" if ask else f", password: {password}"))


@users.command("list")
def list_users(database: Database = None, config: Config = None) -> None:
    """List all accounts."""
    for user in accounts_of(database, config).all():
        state = "disabled" if user.disabled_at else "active"
        typer.echo(f"{user.name}\t{user.role}\t{state}\t{user.display_name}")


@users.command("role")
def change_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="The new role.", show_default=False)],
    database: Database = None,
    config: Config = None,
) -> None:
    """Give an account another role."""
    from serve.security.audit import CLI

    accounts_of(database, config).set_role(name, role, by=CLI)


@users.command("password")
def change_password(
    name: Name, ask: Annotated[bool, _ASK] = False, database: Database = None, config: Config = None
) -> None:
    """Give an account another password, unlock it and sign it out everywhere."""
    from serve.security.audit import CLI

    password = _password(ask)
    accounts_of(database, config).set_password(name, password, by=CLI)
    typer.echo(name if ask else f"{name}, password: {password}")


@users.command("disable")
def disable(name: Name, database: Database = None, config: Config = None) -> None:
    """Shut an account out at once."""
    from serve.security.audit import CLI

    accounts_of(database, config).set_enabled(name, False, by=CLI)


@users.command("enable")
def enable(name: Name, database: Database = None, config: Config = None) -> None:
    """Let an account in again."""
    from serve.security.audit import CLI

    accounts_of(database, config).set_enabled(name, True, by=CLI)


@keys.command("create")
def create_key(
    name: KeyName,
    scope: Annotated[list[str], typer.Option(help="score, feedback or admin; may be given several times.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days after which it ends.")] = 365,
    database: Database = None,
    config: Config = None,
) -> None:
    """Make a key and print it, this once."""
    from serve.security.audit import CLI
    from serve.security.keys import ApiKeyError, Scope

    try:
        scopes = [Scope(name) for name in scope]
    except ValueError:
        raise ApiKeyError("no such scope", where="--scope", expected="score, feedback or admin") from None
    typer.echo(_keys(database, config).create(name, scopes, days=days, by=CLI))


@keys.command("list")
def list_keys(database: Database = None, config: Config = None) -> None:
    """List all keys, without their secrets."""
    for key in _keys(database, config).all():
        ends = f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never"
        state = "revoked" if key.revoked_at else f"ends {ends}"
        typer.echo(f"{key.name}\tpd_{key.prefix}_…\t{','.join(key.scopes)}\t{state}")


@keys.command("rotate")
def rotate_key(name: KeyName, database: Database = None, config: Config = None) -> None:
    """Print a new secret for a key; the old one stops working within two seconds."""
    from serve.security.audit import CLI

    typer.echo(_keys(database, config).rotate(name, by=CLI))


@keys.command("revoke")
def revoke_key(name: KeyName, database: Database = None, config: Config = None) -> None:
    """End a key; it stops working within two seconds."""
    from serve.security.audit import CLI

    _keys(database, config).revoke(name, by=CLI)


def _password(ask: bool) -> str:
    from serve.security.accounts import new_password

    if not ask:
        return new_password()
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def accounts_of(database: str | None, config: Path | None) -> Accounts:
    """Open the accounts of the store that the options or the settings name."""
    from serve.security.accounts import Accounts
    from serve.settings import load_settings
    from serve.store.cli import open_current_store

    return Accounts(open_current_store(database, config), session_hours=load_settings(config).session_hours)


def _keys(database: str | None, config: Path | None) -> ApiKeys:
    from serve.security.keys import ApiKeys
    from serve.store.cli import open_current_store

    return ApiKeys(open_current_store(database, config))
