"""`paidan tune`: measure how to run the encoder on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def tune(
    artifact: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the trained artifact.  [default: the setting `artifact`]", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with settings to change; configs/serve.yaml lists them.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure the encoder's precisions and threads on this machine, for `paidan serve` to use the fastest."""
    from model.artifact import read_manifest
    from model.threads import keep_blas_to_one_thread
    from serve.progress import rows_bar
    from serve.settings import load_settings
    from serve.tuning import tune as measure
    from serve.tuning import ways

    settings = load_settings(config, artifact=artifact)
    keep_blas_to_one_thread()
    with rows_bar(len(ways(read_manifest(settings.artifact))), "measuring") as on_trials:
        tuning, trials = measure(settings.artifact, on_trials)
    for trial in trials:
        verdict = "" if trial.agrees else "  disagrees with fp32"
        way = f"{trial.precision.value} on {trial.threads:3} threads"
        typer.echo(f"{way} {trial.milliseconds:8.2f} ms a ticket{verdict}")
    tuning.save(settings.tuning_file)
    typer.echo(f"taken: {tuning.precision.value} on {tuning.threads} threads. {tuning.why}")
    typer.echo(f"written to {settings.tuning_file}", err=True)
