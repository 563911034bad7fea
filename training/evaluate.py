"""How good an artifact is on labelled tickets that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.tickets.columns import ColumnMapping
from data.tickets.reading import read_tickets
from data.tickets.table import to_ticket
from data.tickets.ticket import Ticket
from model.decision import Level
from model.dispatcher import Dispatcher
from model.layout import LEVELS
from training import metrics
from training.errors import TrainingError
from training.tables import Column, Provenance, Row, write_report

REPORT = "evaluation"

_BATCH = 64
_COLUMNS = (
    Column("slice", "Tickets"),
    Column("tickets", "number", "d"),
    Column("top1", "top-1", ".1%"),
    Column("top3", "top-3", ".1%"),
    Column("top5", "top-5", ".1%"),
    Column("macro_f1", "macro-F1", ".3f"),
    Column("ece", "ECE", ".3f"),
    Column("auto_share", "share at auto", ".1%"),
    Column("auto_precision", "precision of auto", ".1%"),
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of tickets and what was right: `scores` float32 [N, U], `labels` int64 [N], `held` bool [N]."""

    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    held: NDArray[np.bool_]
    tickets: Sequence[Ticket]
    dispatcher: Dispatcher

    def row(self, name: str, chosen: NDArray[np.bool_]) -> Row:
        """Return the figures of the tickets where `chosen` [N] is set."""
        scores, labels = self.scores[chosen], self.labels[chosen]
        ranks = metrics.right_ranks(scores, labels)
        first, confidence = scores.argmax(1), scores.max(1)
        layout, policy = self.dispatcher.experts.head.layout, self.dispatcher.policy
        auto = np.array(
            [
                policy.level(score, layout.units[unit], LEVELS[layout.level_of[unit]], held=held)
                is Level.AUTO
                for score, unit, held in zip(confidence.tolist(), first, self.held[chosen], strict=True)
            ],
            dtype=bool,
        )
        return {
            "slice": name,
            "tickets": len(labels),
            "top1": metrics.top_k_accuracy(ranks, 1),
            "top3": metrics.top_k_accuracy(ranks, 3),
            "top5": metrics.top_k_accuracy(ranks, 5),
            "macro_f1": metrics.macro_f1(first, labels),
            "ece": metrics.expected_calibration_error(confidence, ranks == 1),
            "auto_share": float(auto.mean()),
            "auto_precision": float((ranks[auto] == 1).mean()) if auto.any() else None,
        }


def evaluate(file: Path, artifact: Path, output: Path, columns: ColumnMapping | None = None) -> Path:
    """Measure an artifact on a labelled file and write `evaluation.md` and `.json` to the output folder.

    `columns` defaults to the mapping the artifact was trained with. Tickets of units that the artifact's
    catalog does not know are rejected and counted.

    Raises:
        TrainingError: no ticket of the file can be measured.
    """
    dispatcher = Dispatcher.load(artifact)
    mapping = columns or dispatcher.columns
    read = read_tickets(file, mapping, catalog=dispatcher.catalog, labelled=True)
    if len(read.dataset) == 0:
        raise TrainingError(
            "no ticket can be measured",
            where=str(file),
            fix="`paidan tickets check` says why rows are not used.",
        )
    tickets = [to_ticket(row) for row in read.dataset]
    number = {code: index for index, code in enumerate(dispatcher.experts.head.layout.units)}
    scores, held = _score(dispatcher, tickets)
    evaluation = Evaluation(
        scores=scores,
        held=held,
        labels=np.array([number[ticket.department or ""] for ticket in tickets], dtype=np.int64),
        tickets=tickets,
        dispatcher=dispatcher,
    )
    unknown = ", ".join(f"{name} ({count})" for name, count in read.summary.unknown_units)
    write_report(
        output / REPORT,
        "Evaluation",
        list(_rows(evaluation)),
        _COLUMNS,
        Provenance.gather(command=f"paidan evaluate {file.name} --artifact {artifact.name}", data=[file]),
        notes=(
            f"Model {dispatcher.versions.model}, catalog {dispatcher.versions.catalog}, "
            f"policy {dispatcher.versions.policy} (promises {dispatcher.policy.promised_precision:.0%}). "
            f"{read.summary.rows} rows, {read.summary.usable} measured, {read.summary.left_out} left out."
            + (f"\n\nUnits that the catalog does not know: {unknown}." if unknown else "")
        ),
    )
    return output / f"{REPORT}.md"


def _score(
    dispatcher: Dispatcher, tickets: Sequence[Ticket]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    from rich.console import Console
    from rich.progress import track

    starts = range(0, len(tickets), _BATCH)
    parts = [
        dispatcher.assess(tickets[start : start + _BATCH])
        for start in track(starts, "scoring", console=Console(stderr=True), transient=True)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _rows(evaluation: Evaluation) -> list[Row]:
    """Return the figures of all tickets, and of slices that say where it goes wrong."""
    catalog = evaluation.dispatcher.catalog
    units = [catalog.departments[code] for code in evaluation.dispatcher.experts.head.layout.units]
    level = np.array(
        [catalog.gazetteer[units[label].jurisdiction].level.value for label in evaluation.labels]
    )
    lengths = np.array([metrics.length_group(len(ticket.text)) for ticket in evaluation.tickets])
    months = np.array(
        [f"{ticket.created_at:%Y-%m}" if ticket.created_at else "undated" for ticket in evaluation.tickets]
    )
    rows = [evaluation.row("all", np.ones(len(level), dtype=bool))]
    for values, word in ((level, "unit of level"), (months, "month"), (lengths, "length")):
        names = sorted(set(values.tolist()))
        if len(names) > 1:
            rows += [evaluation.row(f"{word} {name}", values == name) for name in names]
    return rows
