"""`paidan digest` and `paidan drift`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import PaidanError

if TYPE_CHECKING:
    from model.dispatcher import Dispatcher
    from serve.insight.topics import Vectors, Words
    from serve.store.engine import Store

commands = typer.Typer()

_ARTIFACT = typer.Option(
    help="Folder of the artifact that answers.  [default: the setting `artifact`]", show_default=False
)
_DATABASE = typer.Option(help="URL of the store.  [default: the setting `database_url`]", show_default=False)


class InsightError(PaidanError):
    """There is nothing to report on, or the question is not clear."""


@commands.command()
def digest(
    output: Annotated[Path, typer.Option(help="HTML file to write; the workbook goes beside it.")],
    day: Annotated[str | None, typer.Option(help="日报告: a day, such as 2026-11-24.")] = None,
    week: Annotated[str | None, typer.Option(help="周分析: an ISO week, such as 2026-W48.")] = None,
    month: Annotated[str | None, typer.Option(help="月通报: a month, such as 2026-11.")] = None,
    year: Annotated[str | None, typer.Option(help="年体检: a year, such as 2026.")] = None,
    least: Annotated[int, typer.Option(min=2, help="Smallest group that is shown.")] = 5,
    artifact: Annotated[Path | None, _ARTIFACT] = None,
    database: Annotated[str | None, _DATABASE] = None,
) -> None:
    """Say what happened in the city in a day, week, month or year, from the store."""
    from serve.insight.digest import make_digest
    from serve.insight.period import Period, PeriodKind
    from serve.insight.writing import write_digest_page, write_digest_workbook

    chosen = {
        kind: text
        for kind, text in zip(PeriodKind, (day, week, month, year), strict=True)
        if text is not None
    }
    if len(chosen) != 1:
        raise InsightError(
            f"{len(chosen)} periods are given",
            where="digest",
            expected="one of --day, --week, --month and --year",
        )
    period = Period.parse(*next(iter(chosen.items())))
    store, dispatcher = _open(artifact, database)
    made = make_digest(
        store,
        period,
        dispatcher.catalog,
        *_readers(dispatcher),
        least=least,
        say=lambda what: typer.echo(f"{what} ...", err=True),
    )
    store.close()
    if made.tickets.now == 0:
        raise InsightError("no ticket was answered in that time", where=str(period))
    write_digest_page(made, output)
    write_digest_workbook(made, output.with_suffix(".xlsx"))
    typer.echo(f"written: {output}, {output.with_suffix('.xlsx')}", err=True)


@commands.command()
def drift(
    output: Annotated[Path, typer.Option(help="HTML file to write; the figures go beside it as JSON.")],
    weeks: Annotated[int, typer.Option(min=2, help="How many weeks to look back.")] = 12,
    reference_weeks: Annotated[int, typer.Option(min=1, help="First weeks, to compare with.")] = 4,
    least: Annotated[int, typer.Option(min=2, help="Smallest group that is shown.")] = 5,
    artifact: Annotated[Path | None, _ARTIFACT] = None,
    database: Annotated[str | None, _DATABASE] = None,
) -> None:
    """Compare each week's tickets with those of the first weeks, and say what should be looked at."""
    from serve.insight.digest import catalog_names
    from serve.insight.drift import measure_drift
    from serve.insight.records import read_records
    from serve.insight.writing import write_html
    from serve.whole_file import write_whole

    store, dispatcher = _open(artifact, database)
    now = datetime.now(UTC)
    records = list(read_records(store, now - timedelta(weeks=weeks), now))
    store.close()
    if not records:
        raise InsightError(f"no ticket was answered in the last {weeks} weeks", where="the store")
    vectors, words = _readers(dispatcher)
    found = measure_drift(
        records,
        words,
        vectors,
        reference_weeks=reference_weeks,
        promised=dispatcher.policy.promised_precision,
        least=least,
    )
    write_html(
        "drift.html",
        output,
        drift=found,
        city=dispatcher.catalog.city,
        names=catalog_names(dispatcher.catalog),
        reference_weeks=reference_weeks,
    )
    with write_whole(output.with_suffix(".json")) as file:
        figures = [asdict(week) for week in found.weeks]
        file.write((json.dumps(figures, ensure_ascii=False, indent=2, default=str) + "\n").encode())
    for week in found.weeks:
        for alert in week.alerts:
            typer.echo(f"{week.first}: {alert}")
    typer.echo(f"written: {output}, {output.with_suffix('.json')}", err=True)


def _open(artifact: Path | None, database: str | None) -> tuple[Store, Dispatcher]:
    from model.dispatcher import Dispatcher
    from serve.settings import load_settings
    from serve.store.cli import open_current_store

    settings = load_settings(artifact=artifact)
    return open_current_store(database), Dispatcher.load(settings.artifact, threads=settings.threads)


def _readers(dispatcher: Dispatcher) -> tuple[Vectors, Words]:
    def words(text: str) -> Sequence[str]:
        return dispatcher.experts.lexical.features.segmenter.words(text)

    return dispatcher.vectors, words
