"""`paidan policy`: see, try and fit what may go out by itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import PaidanError

if TYPE_CHECKING:
    from model.dispatcher import Dispatcher
    from model.policy import Policy
    from model.policy_trial import Count, PastAnswers, Promise

policy = typer.Typer(help="What may be routed without a person.", no_args_is_help=True)

_ARTIFACT = typer.Option(help="Folder of the trained artifact.")
_TICKETS = typer.Argument(help="Past tickets with the right unit, that the artifact was not trained on.")
_COLUMNS = typer.Option(help="YAML of headers; as the artifact was trained by default.")
_PRECISION = typer.Option(min=0.5, max=0.999, help="Promised for auto; as trained by default.")
_PRESELECT = typer.Option(min=0.5, max=0.999, help="Promised for preselect; as trained by default.")
_CONFIDENCE = typer.Option(min=0.5, max=0.999, help="With which a promise must hold; as trained by default.")


class PolicyError(PaidanError):
    """There is nothing to try a policy on."""


@policy.command()
def show(artifact: Annotated[Path, _ARTIFACT]) -> None:
    """Print an artifact's thresholds, level of place by level of place."""
    from model import artifact as artifacts
    from model.policy import Policy

    manifest = artifacts.open_artifact(artifact)
    typer.echo(f"policy {manifest.policy_version} of model {manifest.model_version}")
    _describe(Policy.load(artifact / artifacts.POLICY))


@policy.command()
def simulate(
    tickets: Annotated[Path, _TICKETS],
    artifact: Annotated[Path, _ARTIFACT],
    columns: Annotated[Path | None, _COLUMNS] = None,
    precision: Annotated[float | None, _PRECISION] = None,
    preselect_precision: Annotated[float | None, _PRESELECT] = None,
    confidence: Annotated[float | None, _CONFIDENCE] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Count what would have gone out by itself, and how much of it wrong; nothing is saved.

    With a promise given, a policy is fit on the earlier half of the tickets and counted on the later half.
    """
    import orjson

    answers, dispatcher = _answers(tickets, artifact, columns)
    if precision is preselect_precision is confidence is None:
        tried, counted = dispatcher.policy, answers
    else:
        earlier, counted = answers.halves()
        tried = earlier.fit(_promise(artifact, precision, preselect_precision, confidence))
    counts = list(counted.counts(tried))
    if as_json:
        document = {"policy": asdict(tried), "counts": [asdict(count) for count in counts]}
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    _describe(tried)
    _table(counts)


@policy.command()
def fit(
    tickets: Annotated[Path, _TICKETS],
    artifact: Annotated[Path, _ARTIFACT],
    output: Annotated[Path, typer.Option(help="Folder for the copy of the artifact with the new policy.")],
    columns: Annotated[Path | None, _COLUMNS] = None,
    precision: Annotated[float | None, _PRECISION] = None,
    preselect_precision: Annotated[float | None, _PRESELECT] = None,
    confidence: Annotated[float | None, _CONFIDENCE] = None,
) -> None:
    """Fit a policy on all the tickets and write a copy of the artifact with it."""
    from model.artifact import file_sha256
    from model.policy_trial import write_with_policy

    answers, _ = _answers(tickets, artifact, columns)
    promise = _promise(artifact, precision, preselect_precision, confidence)
    fitted = answers.fit(promise)
    provenance = {"tickets_sha256": file_sha256(tickets), "tickets": len(answers)} | asdict(promise)
    version = write_with_policy(artifact, fitted, output, provenance)
    _describe(fitted)
    typer.echo(f"policy {version} written to {output}")


def _answers(tickets: Path, artifact: Path, columns: Path | None) -> tuple[PastAnswers, Dispatcher]:
    from data.tickets.columns import ColumnMapping
    from data.tickets.reading import read_tickets
    from data.tickets.table import to_ticket
    from model.dispatcher import Dispatcher
    from model.policy_trial import PastAnswers
    from serve.progress import rows_bar

    dispatcher = Dispatcher.load(artifact)
    mapping = ColumnMapping.load(columns) if columns else dispatcher.columns
    read = read_tickets(tickets, mapping, catalog=dispatcher.catalog, labelled=True)
    if len(read.dataset) < 2:
        raise PolicyError(
            "no ticket can be used",
            where=str(tickets),
            expected="labelled tickets of units that the catalog knows",
            fix="`paidan tickets check` says why rows are not used.",
        )
    typer.echo(f"{read.summary.usable} of {read.summary.rows} rows can be used", err=True)
    past = [to_ticket(row) for row in read.dataset]
    with rows_bar(len(past)) as on_rows:
        return PastAnswers.of(dispatcher, past, on_rows), dispatcher


def _promise(
    artifact: Path, precision: float | None, preselect: float | None, confidence: float | None
) -> Promise:
    from model.artifact import read_manifest
    from model.policy_trial import Promise

    trained = read_manifest(artifact).settings
    return Promise(
        precision or trained["auto_precision"],
        preselect or trained["preselect_precision"],
        confidence or trained["auto_confidence"],
    )


def _describe(shown: Policy) -> None:
    typer.echo(f"promises {shown.promised_precision:.1%} at auto with confidence {shown.confidence:.0%}")
    for name, group in shown.groups.items():
        auto = f"from {group.auto:.3f}" if group.auto <= 1 else "never"
        preselect = f"from {group.preselect:.3f}" if group.preselect <= 1 else "never"
        place = "every level" if name == "*" else name
        typer.echo(f"  {place}: auto {auto}, preselect {preselect} ({group.tickets} tickets)")
    typer.echo(f"  consult below {shown.consult_threshold:.3f}")
    if shown.never_auto:
        typer.echo(f"  never auto: {', '.join(shown.never_auto)}")


def _table(counts: list[Count]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("by", "which")
    for header in ("tickets", "auto", "wrong", "right of auto"):
        table.add_column(header, justify="right")
    for row in counts:
        right = f"{1 - row.wrong / row.auto:.1%}" if row.auto else "-"
        table.add_row(row.slice, row.name, str(row.tickets), str(row.auto), str(row.wrong), right)
    Console().print(table)
