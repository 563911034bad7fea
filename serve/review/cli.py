"""`paidan review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

review = typer.Typer(help="What operators have to settle.", no_args_is_help=True)


@review.callback()
def _group() -> None:
    """Settle tickets by hand."""


@review.command("import")
def take_in(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL file of `paidan quality labels --to-desk` or `paidan quality choose`.",
            show_default=False,
        ),
    ],
    days: Annotated[
        int, typer.Option(min=1, help="Days until they are due; what is due earlier goes first.")
    ] = 14,
    artifact: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the artifact that proposes units.  [default: the setting `artifact`]",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="URL of the store.  [default: the setting `database_url`]", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with settings to change.", show_default=False)
    ] = None,
) -> None:
    """Put doubtful tickets of a file on the review desk; nothing of it is dispatched."""
    from serve.api.requests import Limits
    from serve.file_scoring import FILE_BATCH
    from serve.progress import rows_bar
    from serve.review.desk_lines import read_desk_lines
    from serve.review.importing import DeskImport
    from serve.running import load_scorer
    from serve.security.audit import CLI, audit
    from serve.settings import load_settings
    from serve.store.cli import open_current_store

    settings = load_settings(config, artifact=artifact)
    lines = read_desk_lines(file, Limits.from_settings(settings))
    store = open_current_store(database, config)
    worker = DeskImport(store, load_scorer(settings), days=days, top_k=settings.top_k)
    with rows_bar(len(lines), "importing") as on_rows:
        result = worker.take_in(lines, FILE_BATCH, on_rows)
    with store.transaction() as session:
        audit(session, CLI, "review.import", tickets=result.added)
    store.close()
    typer.echo(
        f"{result.added} tickets put on the desk, {result.known} were imported before, "
        f"{result.waiting} wait there already",
        err=True,
    )
