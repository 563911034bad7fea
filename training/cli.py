"""The commands of training: `paidan train` and `paidan encoder`, and those of the rooms beside them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from training.quality.cli import app as quality
from training.report.cli import commands as report
from training.report.reports_cli import app as reports
from training.retrain.cli import retrain

commands = typer.Typer()
commands.registered_commands += report.registered_commands
encoder = typer.Typer(help="Encoders on this machine.", no_args_is_help=True)
commands.add_typer(encoder, name="encoder")
commands.add_typer(quality, name="quality")
commands.add_typer(reports, name="reports")
commands.command()(retrain)


@commands.command()
def train(
    tickets: Annotated[
        Path, typer.Option(help="Past tickets with the unit that handled each: CSV, XLSX, JSONL, Parquet.")
    ],
    catalog: Annotated[Path, typer.Option(help="The dispatch catalog: a folder or a workbook.")],
    output: Annotated[
        Path, typer.Option(help="Folder of the artifact; replaced when the training is complete.")
    ],
    columns: Annotated[Path | None, typer.Option(help="YAML that maps the file's headers to ours.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML of settings that differ from configs/default.yaml.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Leave out tickets after this day.")
    ] = None,
) -> None:
    """Train a model; after an interruption the same command goes on where it stopped."""
    from data.catalog.folder import load_catalog
    from data.tickets.columns import ColumnMapping
    from training.processes import is_first
    from training.settings import load_settings
    from training.train import TrainingRequest
    from training.train import train as run

    request = TrainingRequest(
        tickets=tickets,
        columns=ColumnMapping.load(columns) if columns else ColumnMapping.identity(),
        catalog=load_catalog(catalog),
        settings=load_settings(config),
        output=output,
        until=until.date() if until else None,
    )
    made = run(request)
    if is_first():
        typer.echo(f"artifact: {made}")


@encoder.command("build")
def build_encoder(
    output: Annotated[Path, typer.Option(help="Folder to write.")],
    layers: Annotated[int | None, typer.Option(help="Keep only the first so many of the 12 layers.")] = None,
) -> None:
    """Write the embedded encoder as an ordinary Hugging Face folder."""
    from model.embedded import build_embedded_encoder

    typer.echo(f"encoder: {build_embedded_encoder(output, layers=layers)}")
