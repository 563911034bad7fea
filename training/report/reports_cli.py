"""`paidan reports`: the reports that a registry keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The reports in a registry.", no_args_is_help=True)


@app.callback()
def reports() -> None:
    """Look after the reports in a registry."""


@app.command()
def purge(
    days: Annotated[
        int, typer.Option(min=0, help="Take the texts out of reports written more than so many days ago.")
    ],
    registry: Annotated[Path, typer.Option(help="Folder of the registry.")] = Path("artifacts/registry"),
) -> None:
    """Take ticket texts out of old reports for good; figures, units and ticket ids stay."""
    from training.report.retention import purge_reports

    for name in (emptied := purge_reports(registry, days)):
        typer.echo(f"emptied {name}")
    typer.echo(f"{len(emptied)} reports emptied")
