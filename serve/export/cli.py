"""`paidan export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()

_DATABASE = typer.Option(help="URL of the store.  [default: the setting `database_url`]", show_default=False)


@commands.command("export")
def export(
    output: Annotated[
        Path, typer.Option(help="File to write: .jsonl, .csv, .parquet or .xlsx.", show_default=False)
    ],
    since: Annotated[str | None, typer.Option(help="First day of the rulings, such as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the rulings.")] = None,
    catalog: Annotated[
        Path | None, typer.Option(help="Catalog that names the units.  [default: codes]", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    database: Annotated[str | None, _DATABASE] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with settings to change.", show_default=False)
    ] = None,
) -> None:
    """Write what people decided as a training file, masked, with where each label comes from."""
    from serve.export.days import period_of
    from serve.export.reviewed import ReviewedTickets
    from serve.export.writing import check_output, write_rows
    from serve.progress import rows_bar
    from serve.security.audit import CLI, audit
    from serve.store.cli import open_current_store

    check_output(output, overwrite=overwrite)
    period = period_of(since, until)
    names = _names(catalog)
    store = open_current_store(database, config)
    reviewed = ReviewedTickets(store, period, lambda code: names.get(code, code))
    with rows_bar(reviewed.count(), "reading") as on_tickets:
        write_rows(reviewed.rows(on_tickets), output)
    tally = reviewed.tally
    with store.transaction() as session:
        audit(session, CLI, "export.reviewed", since=since, until=until, rows=tally.rows)
    store.close()
    typer.echo(f"{tally.rows} rows of {tally.tickets} reviewed tickets, written to {output}", err=True)
    for reason, count in sorted(tally.left_out.items()):
        typer.echo(f"left out, {reason}: {count}", err=True)


def _names(catalog: Path | None) -> dict[str, str]:
    if catalog is None:
        return {}
    from data.catalog.folder import load_catalog

    return {code: unit.name for code, unit in load_catalog(catalog).departments.items()}
