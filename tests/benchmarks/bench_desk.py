"""`make bench-desk`: how fast the review desk is, in a real browser and with forty operators at once."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import desk_browser
import desk_crowd
import numpy as np
from desk_process import postgresql, serving
from desk_world import SEED, UNITS, add_people, fill, make_catalog
from rich.console import Console
from rich.progress import Progress

from data.catalog.catalog import Catalog
from serve.store.engine import Store
from serve.store.schema import upgrade
from training.tables import Column, Provenance, Row, markdown_table, write_report

REPORT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "desk"
OPERATORS = 40
CROWD_TICKETS = 5000

_COLUMNS = (
    Column("measured", "Measured"),
    Column("count", "times", "d"),
    Column("median", "median, ms", ".0f"),
    Column("p99", "p99, ms", ".0f"),
    Column("worst", "worst, ms", ".0f"),
    Column("wanted", "wanted, ms"),
    Column("seconds", "seconds in all", ".1f"),
    Column("kept", "what the database holds"),
)


def row(measured: str, milliseconds: list[float], wanted: str, **more: str | float) -> Row:
    """Return one line of the table."""
    times = np.array(milliseconds)
    return {
        "measured": measured,
        "count": len(times),
        "median": float(np.median(times)),
        "p99": float(np.quantile(times, 0.99)),
        "worst": float(times.max()),
        "wanted": wanted,
        **more,
    }


def in_the_browser(
    store: Store, url: str, catalog: Catalog, folder: Path, options: argparse.Namespace
) -> list[Row]:
    """Measure one operator on a long queue."""
    with Progress(console=Console(stderr=True)) as bar:
        filling = bar.add_task("filling the queue", total=options.waiting)
        fill(store, catalog, options.waiting, lambda more: bar.advance(filling, more))
        settling = bar.add_task("settling in the browser", total=options.settlings)
        with serving(url, folder) as address:
            settled, filtered = desk_browser.measure(
                address, add_people(store, 1)[0], options.settlings, lambda: bar.advance(settling)
            )
    return [
        row(f"key to next ticket on screen, {options.waiting:,} waiting", settled, "100 / p99 300"),
        row(f"key to filtered catalog on screen, {UNITS:,} units", filtered, "50"),
    ]


def crowded(name: str, store: Store, url: str, catalog: Catalog, folder: Path, tickets: int) -> Row:
    """Measure forty operators on one queue."""
    fill(store, catalog, tickets, lambda _: None)
    tokens = add_people(store, OPERATORS)
    with serving(url, folder) as address, Console(stderr=True).status(f"{OPERATORS} operators on {name}"):
        crowd = desk_crowd.work_off(address, tokens)
    kept = desk_crowd.look(store)
    told = f"{kept.settled:,} settled, {kept.twice} twice, {kept.waiting} left, {kept.leased} stuck"
    if crowd.refused:
        told += "; refused: " + ", ".join(f"{count} × {status}" for status, count in crowd.refused.items())
    measured = f"{OPERATORS} operators, {tickets:,} tickets, no pause, {name}"
    return row(measured, crowd.milliseconds, "", seconds=crowd.seconds, kept=told)


def fresh(url: str) -> Store:
    """Open an empty database with the tables of this release."""
    store = Store.open(url)
    upgrade(store)
    return store


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/desk.{md,json}")
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--settlings", type=int, default=300)
    parser.add_argument("--crowd", type=int, default=CROWD_TICKETS)
    parser.add_argument("--only", choices=("browser", "postgresql", "sqlite"))
    options = parser.parse_args()
    catalog, rows = make_catalog(), []
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as name, postgresql() as database:
        folder = Path(name)
        if options.only in (None, "browser"):
            url = database("browser")
            rows += in_the_browser(fresh(url), url, catalog, folder, options)
        if options.only in (None, "postgresql"):
            url = database("crowd")
            rows.append(crowded("PostgreSQL", fresh(url), url, catalog, folder, options.crowd))
        if options.only in (None, "sqlite"):
            url = f"sqlite:///{folder / 'paidan.db'}"
            rows.append(crowded("SQLite", fresh(url), url, catalog, folder, options.crowd))
    sys.stdout.write(markdown_table(rows, _COLUMNS))
    if options.write:
        provenance = Provenance.gather(command="make bench-desk WRITE=1", seed=SEED)
        write_report(REPORT, "The review desk", rows, _COLUMNS, provenance, notes=NOTES)
        sys.stderr.write(f"written: {REPORT}.md, {REPORT}.json\n")


NOTES = """
- The browser is Debian's chromium, headless, on the same machine as server and PostgreSQL; times run from the
  moment the browser saw the key to the frame that shows the change. Every commit reaches the disk.
- The forty operators are HTTP clients without a pause between two tickets, far more than people would ask for;
  their times say how long an answer takes when all cores are busy, clients included.
- Tickets are invented and were put into the store: no model runs.
"""

if __name__ == "__main__":
    main()
