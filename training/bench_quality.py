"""`python -m training.bench_quality`: a million invented tickets through check, de-duplicate and split."""

from __future__ import annotations

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from data.catalog.folder import load_catalog
from data.samples import sample_catalog_path
from data.samples.generator import generate_tickets
from data.samples.ticket_lines import write_ticket_lines
from data.tickets.columns import ColumnMapping
from training.progress import say, step
from training.quality.check import check_quality, write_check
from training.quality.settings import load_quality_settings
from training.tables import Column, Provenance, Row, write_report

_SEED = 7
_FIRST_DAY = date(2025, 1, 1)
_DAYS = 365
_COLUMNS = (
    Column("tickets", "Tickets", ",d"),
    Column("minutes", "minutes", ".1f"),
    Column("cpu_minutes", "processor minutes", ".1f"),
    Column("memory_gb", "peak memory, GB", ".1f"),
    Column("groups", "near-duplicate groups", ",d"),
    Column("earlier", "earlier", ",d"),
    Column("later", "later", ",d"),
)


def _check(file: Path, output: Path) -> Row:
    """Check a file in a process of its own, whose peak memory is the check's."""
    begin = time.monotonic()
    catalog = load_catalog(sample_catalog_path())
    summary = write_check(
        check_quality(file, ColumnMapping.identity(), catalog, load_quality_settings()), output
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "tickets": summary["tickets"]["usable"],
        "minutes": (time.monotonic() - begin) / 60,
        "cpu_minutes": (used.ru_utime + used.ru_stime) / 60,
        "memory_gb": used.ru_maxrss / 2**20,
        "groups": summary["duplicates"]["groups"],
        "earlier": summary["split"]["earlier"],
        "later": summary["split"]["later"],
    }


def main(  # typer calls it by name
    count: Annotated[int, typer.Option(min=1, help="How many tickets.")] = 1_000_000,
    work: Annotated[Path, typer.Option(help="Folder that keeps the tickets.")] = Path(
        "artifacts/bench-quality"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/quality-scale"
    ),
) -> None:
    """Invent tickets of the sample city, once, and measure time and memory of the check."""
    file = work / f"tickets-{count}.jsonl"
    if not file.exists():
        work.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}")
        with step("inventing tickets"):
            made = generate_tickets(load_catalog(sample_catalog_path()), count, _SEED, _FIRST_DAY, _DAYS)
            write_ticket_lines(scratch, made)
            scratch.replace(file)
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        row = pool.submit(_check, file, work / "check").result()
    provenance = Provenance.gather(command="make bench-quality", data=[file], seed=_SEED)
    write_report(report, "Checking many tickets", [row], _COLUMNS, provenance)
    say(f"written: {report}.md, {report}.json")


if __name__ == "__main__":
    typer.run(main)
