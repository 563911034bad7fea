"""`paidan store`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serve.store.engine import Store

commands = typer.Typer(help="Look after the database of decisions.", no_args_is_help=True)

_CONFIG = typer.Option(help="YAML file with settings to change.", show_default=False)
_DATABASE = typer.Option(help="URL of the store.  [default: the setting `database_url`]", show_default=False)


@commands.command("upgrade")
def upgrade_schema(
    database: Annotated[str | None, _DATABASE] = None, config: Annotated[Path | None, _CONFIG] = None
) -> None:
    """Make the tables, or bring them to what this release needs."""
    from serve.store.schema import present, upgrade

    store = open_store(database, config)
    before = present(store)
    upgrade(store)
    typer.echo(f"schema: {before or 'empty'} -> {present(store)}")


@commands.command("check")
def check(
    database: Annotated[str | None, _DATABASE] = None, config: Annotated[Path | None, _CONFIG] = None
) -> None:
    """Say whether the database answers and has the schema that this release needs."""
    from serve.store.schema import check_schema, needed

    check_schema(open_store(database, config))
    typer.echo(f"schema: {needed()}")


@commands.command("purge")
def purge_texts(
    days: Annotated[int, typer.Option(min=0, help="Empty the texts of tickets older than so many days.")],
    database: Annotated[str | None, _DATABASE] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Empty the words of old tickets for good; figures and codes stay."""
    from serve.store.retention import purge
    from serve.store.schema import check_schema

    store = open_store(database, config)
    check_schema(store)
    typer.echo(f"{purge(store, days)} tickets emptied")


def open_current_store(database: str | None, config: Path | None = None) -> Store:
    """Open the store with the schema that this release needs: SQLite gets it, PostgreSQL must have it."""
    from serve.store.schema import check_schema, upgrade

    store = open_store(database, config)
    (check_schema if store.is_postgresql else upgrade)(store)
    return store


def open_store(database: str | None, config: Path | None = None) -> Store:
    """Open the store that the options or the settings name; raise StoreError if there is none."""
    from sqlalchemy.exc import SQLAlchemyError

    from serve.settings import load_settings
    from serve.store.engine import Store
    from serve.store.schema import StoreError

    url = load_settings(config, database_url=database).database_url
    if url is None:
        raise StoreError("no database is set", where="setting database_url", fix="Name one with --database.")
    store = Store.open(url)
    try:
        with store.engine.connect():
            return store
    except SQLAlchemyError as error:
        raise StoreError(
            f"cannot be reached ({type(error).__name__})",
            where=store.engine.url.render_as_string(hide_password=True),
            expected="a SQLite file or a running PostgreSQL",
        ) from error
