"""`paidan tickets`: look at a ticket file before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from data.tickets.summary import ReadSummary

app = typer.Typer(help="Ticket files: CSV, XLSX, JSONL, Parquet.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `check` a command of its own, also while it is the only one."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The ticket file: CSV, XLSX, JSONL or Parquet.")],
    columns: Annotated[
        Path | None, typer.Option(help="YAML that maps the file's headers to ours (configs/columns/).")
    ] = None,
    catalog: Annotated[Path | None, typer.Option(help="Catalog that must know the units.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV to list the rows that cannot be used.")] = None,
) -> None:
    """Say how many rows training can use, and why not the others; exit with 1 if it can use none."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from data.catalog.folder import load_catalog
    from data.tickets.columns import ColumnMapping
    from data.tickets.reading import check_tickets

    mapping = ColumnMapping.load(columns) if columns else ColumnMapping.identity()
    known = load_catalog(catalog) if catalog else None
    parts = (TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=1.0)
        summary = check_tickets(
            file,
            mapping,
            catalog=known,
            labelled=known is not None,
            rejects=rejects,
            on_progress=lambda share: progress.update(bar, completed=share),
        )
    Console().print(_table(summary))
    if rejects is not None:
        typer.echo(f"rejected rows: {rejects}")
    if summary.usable == 0:
        why = "The table above says why" + (f", and {rejects} row by row." if rejects else ".")
        typer.echo(f"error: {file}: no row can be used. {why}", err=True)
        raise typer.Exit(1)


def _table(summary: ReadSummary) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", show_header=False)
    table.add_row("rows", f"{summary.rows:,}")
    table.add_row("usable", f"{summary.usable:,}", style="bold")
    table.add_row("left out by keep_if", f"{summary.left_out:,}")
    table.add_row("rejected", f"{sum(summary.rejected.values()):,}", end_section=not summary.rejected)
    for reason, count in summary.rejected.items():
        table.add_row(f"  {reason}", f"{count:,}")
    table.add_section()
    if summary.first_date and summary.last_date:
        table.add_row("days", f"{summary.first_date:%Y-%m-%d} to {summary.last_date:%Y-%m-%d}")
    table.add_row("without a date", f"{summary.undated:,}")
    if summary.text_lengths:
        lengths = ", ".join(f"{quantile:.0%}: {length}" for quantile, length in summary.text_lengths.items())
        table.add_row("characters a text", lengths)
    table.add_row("units", f"{summary.units:,}")
    table.add_row("without a unit", f"{summary.unlabelled:,}")
    if summary.unknown_units:
        table.add_section()
        for name, count in summary.unknown_units:
            table.add_row(f"unknown unit {escape(name)}", f"{count:,}")
    return table
