"""`python -m training.benchmark_months`: a model retrained every month against one that never is.

The months are walked as an analyst would: train to the first, then month by month `paidan retrain`, and
promote the candidate if no gate stands against it. What each model does is measured on the month after.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from model import artifact
from model.dispatcher import Dispatcher
from model.registry import Entry
from training.benchmark_rounds import IDENTITY, Months, Round, last_day, walk
from training.errors import TrainingError
from training.line_chart import line_chart
from training.progress import say, step
from training.quality.lists import write_text
from training.report.comparison import Comparison, compare
from training.report.differences import ALL, Measure
from training.report.evaluation import Evaluation, evaluate
from training.report.gates import load_gates
from training.report.labelled import Labelled, read_labelled
from training.retrain.steps import digest
from training.settings import TrainingSettings, load_settings
from training.tables import Column, Provenance, Row, Value, write_report

FIRST = "2018-01"
_CONFIGS = Path(__file__).resolve().parent.parent / "configs"
_COLUMNS = (
    Column("month", "Measured on"),
    Column("tickets", "tickets", "d"),
    Column("never_top1", "never retrained: top-1", ".1%"),
    Column("never_top3", "top-3", ".1%"),
    Column("retrained_top1", "retrained each month: top-1", ".1%"),
    Column("retrained_top3", "top-3", ".1%"),
    Column("champion_top1", "champion: top-1", ".1%"),
    Column("champion_top3", "top-3", ".1%"),
    Column("champion_learned_to", "champion of"),
    Column("against_never", "champion minus never, points of top-1"),
)


class _Month:
    """One month's tickets, and what each model answers to them; each is asked once."""

    def __init__(self, months: Months, name: str, entries: Sequence[Entry]) -> None:
        self.name = name
        self._entries = {entry.name: entry for entry in entries}
        self._months = months
        self._asked: dict[str, Evaluation] = {}

    @cached_property
    def _dispatchers(self) -> Mapping[str, Dispatcher]:
        return {name: Dispatcher.load(entry.folder) for name, entry in self._entries.items()}

    @cached_property
    def labelled(self) -> Labelled:
        """Return the tickets of the month whose text no earlier ticket has."""
        return read_labelled(
            self._months.everything,
            IDENTITY,
            [dispatcher.catalog for dispatcher in self._dispatchers.values()],
            since=date.fromisoformat(f"{self.name}-01"),
            until=last_day(self.name),
        )

    def of(self, entry: Entry) -> Evaluation:
        """Return a model's answers."""
        if entry.name not in self._asked:
            with step(f"measuring {entry.name} on {self.name}"):
                self._asked[entry.name] = evaluate(self._dispatchers[entry.name], self.labelled)
        return self._asked[entry.name]

    def compare(self, champion: Entry, challenger: Entry) -> Comparison:
        """Compare two models on the month."""
        return compare(self.of(champion), self.of(challenger), load_gates())


def measure(months: Months, first: str, never: Entry, rounds: Sequence[Round]) -> list[Row]:
    """Return a row for each month after the first: what each way of running would have answered."""
    rows: list[Row] = []
    later = [month for month in months.names if month > first]
    for name, last in zip(later, [None, *rounds], strict=True):
        retrained, champion = (last.candidate, last.serves) if last else (never, never)
        known = {entry.name: entry for entry in (never, retrained, champion)}
        if last is not None:
            known[last.champion.name] = last.champion
        month = _Month(months, name, list(known.values()))
        row: dict[str, Value] = {"month": name, "tickets": len(month.labelled.tickets)}
        for way, entry in (("never", never), ("retrained", retrained), ("champion", champion)):
            answers = month.of(entry)
            row[f"{way}_top1"] = float(answers.right.mean())
            row[f"{way}_top3"] = float(answers.within(3).mean())
            row[f"{way}_auto_share"] = float(answers.auto.mean())
            row[f"{way}_auto_precision"] = (
                float(answers.right[answers.auto].mean()) if answers.auto.any() else None
            )
        row["champion_learned_to"] = str(champion.manifest.data["last_day"])
        row["against_never"] = "–" if champion.name == never.name else _gain(month.compare(never, champion))
        if last is not None:
            row["round"] = last.month
            row["decided"] = "; ".join(last.closed) or "promoted"
            comparison = month.compare(last.champion, last.candidate)
            row["candidate_gain"] = _gain(comparison)
            row["top1_gate_after"] = next(
                "open" if gate.passed else "closed" for gate in comparison.gates if gate.name == "top1"
            )
            row["gates_closed_after"] = ", ".join(
                f"{gate.name} {gate.figure:.3f} {gate.detail}".strip()
                if gate.figure is not None
                else gate.name
                for gate in comparison.gates
                if not gate.passed
            )
        rows.append(row)
    return rows


_KEPT = "No promoted candidate was worse on the month after than the gate for top-1 allows."
_BROKEN = "A promoted candidate was worse on the month after than the gate for top-1 allows; see above."


def _gain(comparison: Comparison) -> str:
    found = next(iter(comparison.of(ALL, Measure.TOP1)))
    low, high = found.interval.low, found.interval.high
    return f"{found.difference * 100:+.1f} ({low * 100:+.1f} to {high * 100:+.1f})"


def _notes(rows: Sequence[Row], settings: TrainingSettings, first: str, chart: str) -> str:
    rounds = [row for row in rows if "round" in row]
    told = "\n".join(
        f"- End of {row['round']}: {row['decided']}. On {row['month']}, seen by neither: candidate minus "
        f"champion {row['candidate_gain']} points of top-1; the gate for top-1 would have been "
        f"{row['top1_gate_after']}"
        + (f", closed gates: {row['gates_closed_after']}." if row["gates_closed_after"] else ".")
        for row in rounds
    )
    kept = all(row["top1_gate_after"] == "open" for row in rounds if row["decided"] == "promoted")
    return f"""![top-1 by month]({chart})

{settings.layers} layers, {settings.epochs:g} epochs, {settings.max_tokens} tokens: a small model,
so that a month takes minutes on two cores; the level of these figures is not the project's best,
[accuracy.md](accuracy.md) is. The first model learned the tickets to the end of {first}. At the end of each
month `paidan retrain` runs with its defaults: it keeps the latest tenth of the tickets back to compare both
(so the candidate does not learn them), and the candidate is promoted only if every gate of
`configs/gates.yaml` is open. Measured on the month after, on tickets whose text no earlier ticket has. In
brackets 95% intervals of the paired bootstrap.

{told}

{_KEPT if kept else _BROKEN}
"""


def main(  # typer calls it by name
    tickets: Annotated[Path, typer.Option(help="The city's labelled tickets.")],
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done.")] = Path(
        "artifacts/benchmark-months"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/months"
    ),
    config: Annotated[Path, typer.Option(help="Training settings.")] = _CONFIGS / "train" / "months.yaml",
    columns: Annotated[Path, typer.Option(help="Mapping of the file's headers.")] = _CONFIGS
    / "columns"
    / "haikou.yaml",
    first: Annotated[str, typer.Option(help="The month that the first model learns to.")] = FIRST,
) -> None:
    """Walk the months and measure; what is done is kept, so that an interrupted run goes on."""
    try:
        _run(tickets, work, report, load_settings(config), ColumnMapping.load(columns), first)
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _run(
    tickets: Path,
    work: Path,
    report: Path,
    settings: TrainingSettings,
    columns: ColumnMapping,
    first: str,
) -> None:
    asked = {"settings": settings.model_dump(), "tickets": artifact.file_sha256(tickets), "first": first}
    folder = work / digest({**asked, "columns": columns.to_dict()})[:12]
    say(f"results are kept in {folder}")
    months = Months.part(tickets, columns, folder)
    if first not in months.names[:-2]:
        raise TrainingError(
            f"two months or more must follow {first}", where="--first", expected=", ".join(months.names[:-2])
        )
    never, rounds = walk(months, first, settings)
    rows = measure(months, first, never, rounds)
    lines = {
        "never retrained": [row["never_top1"] for row in rows],
        "retrained each month": [row["retrained_top1"] for row in rows],
        "champion": [row["champion_top1"] for row in rows],
    }
    chart = report.parent / f"{report.name}.svg"
    shares = {
        name: [value if isinstance(value, float) else None for value in line] for name, line in lines.items()
    }
    write_text(chart, line_chart("top-1 by month", [str(row["month"]) for row in rows], shares))
    provenance = Provenance.gather(
        command=f"make benchmark-months HAIKOU={tickets.name}",
        data=[tickets],
        split=f"train to a month, measure on the next; the first model to {first}",
        seed=settings.seed,
    )
    write_report(
        report,
        "Month by month",
        rows,
        _COLUMNS,
        provenance,
        notes=_notes(rows, settings, first, chart.name),
    )
    say(f"written: {report}.md, {report}.json, {chart}")


if __name__ == "__main__":
    typer.run(main)
