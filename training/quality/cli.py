"""`paidan quality`: what is wrong with past tickets, and which ones to label next."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Past tickets before a training: faults, suspected labels, what to label next.", no_args_is_help=True
)

_File = Annotated[Path, typer.Argument(help="Past tickets with their units: CSV, XLSX, JSONL, Parquet.")]
_Catalog = Annotated[Path, typer.Option(help="The dispatch catalog: a folder or a workbook.")]
_Columns = Annotated[Path | None, typer.Option(help="YAML that maps the file's headers to ours.")]
_Config = Annotated[Path | None, typer.Option(help="YAML of settings that differ from configs/quality.yaml.")]


@app.command()
def check(
    file: _File,
    catalog: _Catalog,
    output: Annotated[Path, typer.Option(help="Folder for the report and the lists.")],
    columns: _Columns = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day before the split.")
    ] = None,
    config: _Config = None,
) -> None:
    """Check units, near-duplicates, leakage and small classes, and write lists of what was found."""
    from data.catalog.folder import load_catalog
    from data.tickets.columns import ColumnMapping
    from training.quality.check import REPORT, check_quality, write_check
    from training.quality.settings import load_quality_settings

    found = check_quality(
        file,
        ColumnMapping.load(columns) if columns else ColumnMapping.identity(),
        load_catalog(catalog),
        load_quality_settings(config),
        until=until.date() if until else None,
    )
    write_check(found, output)
    page = output / f"{REPORT}.md"
    typer.echo(page.read_text("utf-8"))
    typer.echo(f"report: {page}")


@app.command()
def labels(
    file: _File,
    catalog: _Catalog,
    output: Annotated[Path, typer.Option(help="Folder for the work list, as CSV and JSONL, without texts.")],
    columns: _Columns = None,
    to_desk: Annotated[
        Path | None,
        typer.Option(help="Also write the suspects, with their texts, as JSONL for the review desk."),
    ] = None,
    config: _Config = None,
) -> None:
    """List the tickets whose unit may be wrong, the most suspect first."""
    from data.catalog.folder import load_catalog
    from data.tickets.columns import ColumnMapping
    from training.quality.labels import list_suspects, write_for_desk
    from training.quality.settings import load_quality_settings

    mapping = ColumnMapping.load(columns) if columns else ColumnMapping.identity()
    work = list_suspects(file, mapping, load_catalog(catalog), load_quality_settings(config))
    listed = work.write(output)
    typer.echo(
        f"{work.suspects.estimated:,} of {len(work.rows):,} labels are estimated to be wrong; "
        f"the work list holds the {len(work.suspects.places):,} most suspect ones: {listed}"
    )
    if to_desk is not None:
        count = write_for_desk(work, file, mapping, to_desk)
        typer.echo(f"{count:,} tickets for the review desk, with their texts: {to_desk}")


@app.command()
def choose(
    file: Annotated[Path, typer.Argument(help="Tickets without a unit: CSV, XLSX, JSONL, Parquet.")],
    artifact: Annotated[Path, typer.Option(help="Folder of the artifact that is unsure of them.")],
    output: Annotated[Path, typer.Option(help="JSONL ticket file of the chosen ones, with their texts.")],
    count: Annotated[int, typer.Option(min=1, help="How many to choose.")] = 500,
    columns: Annotated[
        Path | None, typer.Option(help="YAML of headers; as the artifact was trained by default.")
    ] = None,
    config: _Config = None,
) -> None:
    """Choose the unlabelled tickets that are worth labelling next: uncertain ones, no two of a kind."""
    from data.tickets.columns import ColumnMapping
    from model.dispatcher import Dispatcher
    from training.progress import bar
    from training.quality.choose import choose_tickets, write_choice
    from training.quality.settings import load_quality_settings
    from training.quality.ticket_rows import UsableRows

    dispatcher = Dispatcher.load(artifact)
    rows = list(UsableRows(file, ColumnMapping.load(columns) if columns else dispatcher.columns))
    with bar("scoring") as moved:
        chosen = choose_tickets(
            dispatcher,
            [ticket for _, ticket in rows],
            count,
            load_quality_settings(config),
            on_progress=moved,
        )
    written = write_choice(output, chosen, rows)
    typer.echo(f"{written:,} of {len(rows):,} tickets to label: {output}")
