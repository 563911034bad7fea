"""`python -m training.serving_bench`: Paidan and its peers under load, in one run and one table."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from data.errors import PaidanError
from training.progress import say
from training.serving_bench.environments import peer_versions
from training.serving_bench.method import notes
from training.serving_bench.report import COLUMNS, rows
from training.serving_bench.run import PEERS, SEED, measure
from training.serving_bench.scenarios import FULL, QUICK
from training.tables import Provenance, Row, write_report

_BENCH = Path("artifacts/bench")
_WIDTH = 160


def main(  # typer calls it by name
    artifact: Annotated[Path, typer.Option(help="Artifact to serve.")] = _BENCH / "model",
    pool: Annotated[Path, typer.Option(help="Ticket file that texts are taken from.")] = _BENCH
    / "pool.jsonl",
    work: Annotated[Path, typer.Option(help="Folder that keeps what peers need.")] = _BENCH,
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/serving"
    ),
    *,
    write: Annotated[bool, typer.Option("--write", help="Write the report; else it is only shown.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small counts: shows that all runs, measures nothing.")
    ] = False,
    peers: Annotated[bool, typer.Option(help="Measure the peers, too.")] = True,
) -> None:
    """Measure the service and its peers on the same texts, encoder and machine."""
    sizes = QUICK if quick else FULL
    work.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=work) as folder:
            run = measure(artifact, pool, work, Path(folder).resolve(), sizes, peers=peers)
        table = rows(run)
        show(table)
        if write:
            provenance = Provenance.gather(
                command=f"make bench-serving{' QUICK=1' if quick else ''} WRITE=1",
                data=[pool],
                seed=SEED,
            )
            text = notes(run, sizes, SEED, peer_versions(work / PEERS) if peers else {})
            write_report(report, "Serving", table, COLUMNS, provenance, notes=text)
            say(f"written: {report}.md, {report}.json")
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def show(rows: list[Row]) -> None:
    """Print the table on the terminal."""
    table = Table(show_lines=True)
    for column in COLUMNS:
        table.add_column(column.heading)
    for row in rows:
        table.add_row(*(column.text(row.get(column.key)) for column in COLUMNS))
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


if __name__ == "__main__":
    typer.run(main)
