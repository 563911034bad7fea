"""`paidan catalog`: check a dispatch catalog, draft one from past tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The dispatch catalog: units, families, issue categories and rules.", no_args_is_help=True
)


@app.command()
def check(path: Annotated[Path, typer.Argument(help="A catalog folder.")]) -> None:
    """List every fault with its place and the way out; exit with 1 if one keeps the catalog from being used."""
    from data.catalog.faults import Severity
    from data.catalog.folder import read_catalog

    read = read_catalog(path)
    for fault in read.faults:
        typer.echo(f"{fault.severity}: {fault}")
    if read.catalog is None:
        errors = sum(fault.severity is Severity.ERROR for fault in read.faults)
        typer.echo(f"{errors} errors, {len(read.faults) - errors} warnings", err=True)
        raise typer.Exit(1)
    catalog = read.catalog
    typer.echo(
        f"{catalog.city}: {len(catalog.departments)} units of {len(catalog.families)} families, "
        f"{len(catalog.issue_categories)} issue categories, {len(catalog.rules)} rules; "
        f"{len(read.faults)} warnings; content {catalog.content_hash[:12]}"
    )


@app.command()
def draft(
    tickets: Annotated[Path, typer.Argument(help="Past tickets with the unit that handled each.")],
    gazetteer: Annotated[Path, typer.Option(help="Folder that `paidan gazetteer build` wrote.")],
    output: Annotated[Path, typer.Option(help="Catalog folder to write.")],
    columns: Annotated[Path | None, typer.Option(help="YAML that maps the file's headers to ours.")] = None,
    variants: Annotated[
        Path | None, typer.Option(help="YAML of family spellings that a person accepted.")
    ] = None,
) -> None:
    """Draft a catalog from past tickets, for a person to edit."""
    from rich.console import Console
    from rich.progress import Progress

    from data.catalog.draft import CatalogDrafter, DraftError
    from data.catalog.folder import save_catalog, write_files
    from data.catalog.variants import dump_variants, load_variants
    from data.gazetteer.gazetteer import Gazetteer
    from data.tickets.columns import ColumnMapping
    from data.tickets.reading import read_tickets

    mapping = ColumnMapping.load(columns) if columns else ColumnMapping.identity()
    decided = load_variants(variants) if variants else ()
    areas = Gazetteer.load(gazetteer)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading the tickets", total=1.0)
        file = read_tickets(
            tickets,
            mapping,
            labelled=True,
            on_progress=lambda share: progress.update(task, completed=share),
        )
        if not file.summary.usable:
            raise DraftError(
                "holds no ticket with a department",
                where=str(tickets),
                fix="See `paidan tickets check` for why.",
            )
        task = progress.add_task("gathering words", total=file.summary.usable)
        drafter = CatalogDrafter(areas)
        for batch in file.dataset.select_columns(["department", "text"]).iter(1000):
            for name, text in zip(batch["department"], batch["text"], strict=True):
                drafter.add(name, text)
            progress.advance(task, len(batch["text"]))
    last_day = file.summary.last_date
    drafted = drafter.draft(decided, version=f"{last_day:%Y-%m}" if last_day else "")
    save_catalog(drafted.catalog, output)
    write_files(output, {"variants.yaml": dump_variants(drafted.variants)})

    catalog = drafted.catalog
    open_pairs = sum(variant.accept is None for variant in drafted.variants)
    placed = drafted.holding_place - len(drafted.unplaced)
    typer.echo(f"{len(catalog.departments)} units of {len(catalog.families)} families, written to {output}")
    typer.echo(
        f"{placed} of {drafted.holding_place} units whose name holds a district or street were placed there"
    )
    for name in drafted.unplaced:
        typer.echo(f"  not placed: {name}")
    if open_pairs:
        typer.echo(
            f"{open_pairs} pairs of names may be one family: set accept to true or false in "
            f"{output / 'variants.yaml'}, and run this again with --variants and a copy of it"
        )
