"""`paidan retrain`: from new labelled tickets to a candidate in the registry."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def retrain(
    artifact: Annotated[Path, typer.Option(help="The champion: folder of the artifact in service.")],
    tickets: Annotated[Path, typer.Option(help="The tickets that it was trained on.")],
    catalog: Annotated[Path, typer.Option(help="The current dispatch catalog: a folder or a workbook.")],
    work: Annotated[Path, typer.Option(help="Folder with one folder a step; the same one goes on.")],
    new: Annotated[
        list[Path] | None,
        typer.Option(help="New labelled tickets or a review export; may be given several times."),
    ] = None,
    feedback: Annotated[
        list[Path] | None, typer.Option(help="JSONL of feedback events; may be given several times.")
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(help="YAML of the old file's headers; as the champion's by default."),
    ] = None,
    new_columns: Annotated[
        Path | None,
        typer.Option(help="YAML of the new files' headers, if neither the old ones nor ours."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML of training settings that differ from the champion's.")
    ] = None,
    quality: Annotated[
        Path | None, typer.Option(help="YAML of settings that differ from configs/quality.yaml.")
    ] = None,
    gates: Annotated[
        Path | None, typer.Option(help="YAML of bounds that differ from configs/gates.yaml.")
    ] = None,
    evaluate_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Measure on tickets from this day on."),
    ] = None,
    registry: Annotated[Path, typer.Option(help="The registry's folder.")] = Path("artifacts/registry"),
    until: Annotated[str | None, typer.Option(help="Stop after this step.")] = None,
    only: Annotated[str | None, typer.Option(help="Run this step alone.")] = None,
    judge_labels: Annotated[
        bool, typer.Option(help="List suspected labels in the step `check`; takes minutes.")
    ] = True,
    without_text: Annotated[
        bool, typer.Option("--without-text", help="Keep every ticket's text out of the report.")
    ] = False,
) -> None:
    """Check, deduplicate, split, train, evaluate against the champion, and register the candidate."""
    from data.catalog.folder import load_catalog
    from data.tickets.columns import ColumnMapping
    from model.artifact import read_manifest
    from training.quality.settings import load_quality_settings
    from training.report.gates import load_gates
    from training.retrain.pipeline import REGISTER, registered_name, steps_of
    from training.retrain.request import RetrainRequest
    from training.retrain.steps import run_steps
    from training.settings import load_settings

    champion = read_manifest(artifact)
    request = RetrainRequest(
        champion=artifact,
        old=tickets,
        new=new or [],
        feedback=feedback or [],
        catalog=load_catalog(catalog),
        columns=ColumnMapping.load(columns) if columns else ColumnMapping.from_dict(dict(champion.columns)),
        new_columns=ColumnMapping.load(new_columns) if new_columns else None,
        settings=load_settings(config, base=champion.settings),
        quality=load_quality_settings(quality),
        gates=load_gates(gates),
        work=work,
        registry=registry,
        evaluate_from=evaluate_from.date() if evaluate_from else None,
        judge_labels=judge_labels,
        texts=not without_text,
    )
    run_steps(work, steps_of(request), until=until, only=only)
    last = only or until
    if last not in (None, REGISTER):
        typer.echo(f"done up to `{last}`: {work / str(last)}. Run the same command without --until to go on.")
        return
    name = registered_name(work / REGISTER)
    typer.echo(f"candidate: {name}")
    typer.echo(f"Next: read {work / 'evaluate' / 'report.html'}, then `paidan models promote {name}`.")
