"""`paidan catalog apply`: it needs the model, so it joins the data package's catalog commands from here."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from data.catalog.cli import app

__all__ = ["app"]

_BATCH = 64
_IDS_SHOWN = 5


@app.command()
def apply(
    new: Annotated[Path, typer.Argument(help="The new catalog: a folder or a workbook.")],
    artifact: Annotated[Path, typer.Option(help="Folder of the trained artifact.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the copy that dispatches by it; without it, none is kept.")
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(help="Tickets to say of which would be dispatched differently.")
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(help="YAML of the tickets' headers; as the artifact was trained by default."),
    ] = None,
) -> None:
    """Put another catalog into a trained artifact, without training: into a copy of it."""
    from data.catalog.folder import load_catalog
    from model.live_catalog import apply_catalog

    catalog = load_catalog(new)
    with tempfile.TemporaryDirectory(prefix="paidan-") as scratch:
        made = output or Path(scratch) / "artifact"
        apply_catalog(artifact, catalog, made)
        if preview is not None:
            _preview(artifact, made, preview, columns)
    typer.echo(f"written to {output}" if output else "nothing was kept: give --output to keep it")


def _preview(before: Path, after: Path, tickets: Path, columns: Path | None) -> None:
    """Print how many tickets get another first candidate, from which unit to which, with a few ids."""
    from data.tickets.columns import ColumnMapping
    from data.tickets.reading import read_tickets
    from data.tickets.table import to_ticket
    from model.dispatcher import Dispatcher
    from serve.progress import rows_bar

    old, new = Dispatcher.load(before), Dispatcher.load(after)
    read = read_tickets(tickets, ColumnMapping.load(columns) if columns else old.columns)
    past = [to_ticket(row) for row in read.dataset]
    moves: Counter[tuple[str, str]] = Counter()
    ids: dict[tuple[str, str], list[str]] = {}
    with rows_bar(len(past)) as on_rows:
        for start in range(0, len(past), _BATCH):
            batch = past[start : start + _BATCH]
            first = zip(
                batch, old.scores(batch).argmax(axis=1), new.scores(batch).argmax(axis=1), strict=True
            )
            for ticket, was, is_now in first:
                move = (old.experts.head.layout.units[was], new.experts.head.layout.units[is_now])
                if move[0] != move[1]:
                    moves[move] += 1
                    ids.setdefault(move, []).append(ticket.ticket_id)
            on_rows(len(batch))
    typer.echo(f"{moves.total()} of {len(past)} tickets would go to another unit")
    for (was, is_now), count in moves.most_common():
        names = (
            f"{was} {old.catalog.departments[was].name} -> {is_now} {new.catalog.departments[is_now].name}"
        )
        more = ", ..." if count > _IDS_SHOWN else ""
        typer.echo(f"  {count}: {names} ({', '.join(ids[was, is_now][:_IDS_SHOWN])}{more})")
