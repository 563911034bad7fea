"""`paidan report` and `paidan compare`: how good a model is, and whether another one is better."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.errors import TrainingError

if TYPE_CHECKING:
    from model.dispatcher import Dispatcher
    from training.report.evaluation import Evaluation
    from training.report.gates import GateOutcome
    from training.report.labelled import Labelled

commands = typer.Typer()

_TICKETS = typer.Option(help="Labelled tickets that the models were not trained on.")
_OUTPUT = typer.Option(help="Folder for the report.")
_COLUMNS = typer.Option(help="YAML of headers; as the model was trained by default.")
_SINCE = typer.Option(
    formats=["%Y-%m-%d"], help="Measure tickets from this day on, without texts that were seen before it."
)
_UNTIL = typer.Option(formats=["%Y-%m-%d"], help="Leave out tickets after this day.")
_WITHOUT_TEXT = typer.Option("--without-text", help="Keep every ticket's text out of the report.")


@commands.command()
def report(
    artifact: Annotated[Path, typer.Option(help="Folder of the artifact.")],
    tickets: Annotated[Path, _TICKETS],
    output: Annotated[Path, _OUTPUT],
    columns: Annotated[Path | None, _COLUMNS] = None,
    since: Annotated[datetime | None, _SINCE] = None,
    until: Annotated[datetime | None, _UNTIL] = None,
    without_text: Annotated[bool, _WITHOUT_TEXT] = False,
) -> None:
    """Report on a model: one HTML page that opens offline, and the same figures as JSON."""
    from model.dispatcher import Dispatcher
    from training.report.writing import write_report

    _check_output(output)
    dispatcher = Dispatcher.load(artifact)
    labelled = _read(tickets, columns, [dispatcher], since, until)
    evaluation = _score("scoring", dispatcher, labelled)
    typer.echo(f"report: {write_report(evaluation, output, texts=not without_text)}")


@commands.command()
def compare(
    champion: Annotated[Path, typer.Option(help="Folder of the artifact that serves.")],
    challenger: Annotated[Path, typer.Option(help="Folder of the artifact that may take its place.")],
    tickets: Annotated[Path, _TICKETS],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report.  [default: the challenger's in its registry]", show_default=False
        ),
    ] = None,
    columns: Annotated[Path | None, _COLUMNS] = None,
    since: Annotated[datetime | None, _SINCE] = None,
    until: Annotated[datetime | None, _UNTIL] = None,
    gates: Annotated[
        Path | None, typer.Option(help="YAML of bounds that differ from configs/gates.yaml.")
    ] = None,
    without_text: Annotated[bool, _WITHOUT_TEXT] = False,
) -> None:
    """Compare a challenger with the champion on the same tickets, and check the gates of a promotion."""
    from model.dispatcher import Dispatcher
    from training.progress import step
    from training.report.comparison import compare as run
    from training.report.gates import load_gates
    from training.report.writing import write_report

    output = output or _reports_of(challenger)
    _check_output(output)
    settings = load_gates(gates)
    old, new = Dispatcher.load(champion), Dispatcher.load(challenger)
    labelled = _read(tickets, columns, [new, old], since, until)
    before, after = (
        _score("scoring with the champion", old, labelled),
        _score("scoring with the challenger", new, labelled),
    )
    with step("comparing"):
        comparison = run(before, after, settings)
    page = write_report(after, output, comparison=comparison, texts=not without_text)
    for gate in comparison.gates:
        typer.echo(_line(gate))
    typer.echo(f"gates: {'passed' if comparison.passed else 'FAILED'}")
    typer.echo(f"report: {page}")


def _reports_of(challenger: Path) -> Path:
    """Return where the registry that holds the challenger looks for its report."""
    from model.registry import Registry

    held = Registry.holding(challenger)
    if held is None:
        raise TrainingError(
            "it is in no registry",
            where=str(challenger),
            fix="Name a folder for the report with --output, or `paidan models add` it first.",
        )
    registry, name = held
    return registry.reports(name)


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise TrainingError("is a file", where=str(output), expected="a folder for the report")


def _read(
    tickets: Path,
    columns: Path | None,
    dispatchers: list[Dispatcher],
    since: datetime | None,
    until: datetime | None,
) -> Labelled:
    from data.tickets.columns import ColumnMapping
    from training.progress import bar
    from training.report.labelled import read_labelled

    mapping = ColumnMapping.load(columns) if columns else dispatchers[0].columns
    with bar("reading tickets") as moved:
        return read_labelled(
            tickets,
            mapping,
            [dispatcher.catalog for dispatcher in dispatchers],
            since=since.date() if since else None,
            until=until.date() if until else None,
            on_progress=moved,
        )


def _score(name: str, dispatcher: Dispatcher, labelled: Labelled) -> Evaluation:
    from training.progress import bar
    from training.report.evaluation import evaluate

    done = 0

    def on_tickets(more: int) -> None:
        nonlocal done
        done += more
        moved(done / len(labelled.tickets))

    with bar(name) as moved:
        return evaluate(dispatcher, labelled, on_tickets=on_tickets)


def _line(gate: GateOutcome) -> str:
    figure = "–" if gate.figure is None else f"{gate.figure:.4g}"
    detail = f" ({gate.detail})" if gate.detail else ""
    return f"{'passed' if gate.passed else 'FAILED'}  {gate.name}: {figure}, bound {gate.bound:.4g}{detail}"
