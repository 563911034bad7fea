"""`paidan sample`: tickets of the sample city, to try Paidan without data of one's own."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Synthetic tickets of the sample city. They prove nothing about accuracy.", no_args_is_help=True
)


class SampleCity(StrEnum):
    """The cities that ship with the package."""

    BEIJING = "beijing"


@app.callback()
def _group() -> None:
    """Keep `tickets` a command of its own, also while it is the only one."""


@app.command()
def tickets(
    output: Annotated[Path, typer.Option(help="JSONL file to write; one that is there is replaced.")],
    *,
    count: Annotated[int, typer.Option(min=1, help="How many tickets.")] = 4000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tickets.")] = 7,
    city: Annotated[SampleCity, typer.Option(help="Sample city.")] = SampleCity.BEIJING,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Day of the first ticket.")
    ] = datetime(2025, 1, 1),
    days: Annotated[int, typer.Option(min=1, help="Time span of the tickets, in days.")] = 365,
) -> None:
    """Write synthetic, labelled tickets of a sample city, made up from templates."""
    from rich.console import Console
    from rich.progress import track

    from data.catalog.folder import load_catalog
    from data.samples import sample_catalog_path
    from data.samples.generator import generate_tickets
    from data.samples.ticket_lines import write_ticket_lines

    console = Console(stderr=True)
    catalog = load_catalog(sample_catalog_path())
    first: date = start.date()
    made = generate_tickets(catalog, count, seed, first, days)
    write_ticket_lines(output, track(made, "Writing tickets", total=count, console=console))
    console.print(f"{count} synthetic tickets of {city.value} in {output}", highlight=False)
