"""Champion and challenger on the tickets that were put aside, and the report on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from data.tickets.ticket import Location, Ticket
from model import artifact
from model.dispatcher import Dispatcher
from training.progress import bar, say, step
from training.report.comparison import Comparison, compare
from training.report.evaluation import Evaluation, evaluate
from training.report.labelled import Labelled, Source
from training.report.writing import write_report
from training.retrain.request import RetrainRequest


def ticket_of(line: Mapping[str, Any]) -> Ticket:
    """Return a line of a merged file as the ticket it was."""
    values = dict(line)
    location, moment = values.pop("location", None), values.pop("created_at", None)
    return Ticket(
        **values,
        location=None if location is None else Location(**location),
        created_at=None if moment is None else datetime.fromisoformat(moment),
    )


def measure(
    request: RetrainRequest,
    challenger: Path,
    training: Sequence[Ticket],
    tickets: Sequence[Ticket],
    file: Path,
) -> Comparison:
    """Score the tickets with both models and compare them; `file` is where the tickets stand."""
    days = [ticket.created_at.date() for ticket in tickets if ticket.created_at is not None]
    labelled = Labelled(
        tickets=tuple(tickets),
        source=Source(
            name=file.name,
            sha256=artifact.file_sha256(file),
            since=min(days, default=None),
            until=max(days, default=None),
            rows=len(tickets),
        ),
        learned=dict(Counter(ticket.department or "" for ticket in training)),
    )
    threads = request.settings.threads
    sides = {
        name: Dispatcher.load(folder, threads=threads)
        for name, folder in (("champion", request.champion), ("challenger", challenger))
    }
    before, after = (
        _scored(f"scoring with the {name}", dispatcher, labelled) for name, dispatcher in sides.items()
    )
    with step("comparing"):
        return compare(before, after, request.gates)


def write_comparison(comparison: Comparison, folder: Path, *, texts: bool = True) -> None:
    """Write the report, with or without tickets' texts, and say which gates are closed."""
    write_report(comparison.challenger, folder, comparison=comparison, texts=texts)
    before, after = comparison.champion.right.mean(), comparison.challenger.right.mean()
    say(f"top-1: champion {before:.1%}, challenger {after:.1%}, of {len(comparison.challenger)} tickets")
    for gate in comparison.gates:
        if not gate.passed:
            say(f"gate {gate.name} is closed: {gate.figure}, bound {gate.bound:.4g} {gate.detail}".rstrip())


def _scored(name: str, dispatcher: Dispatcher, labelled: Labelled) -> Evaluation:
    done = 0

    def on_tickets(more: int) -> None:
        nonlocal done
        done += more
        moved(done / len(labelled.tickets))

    with bar(name) as moved:
        return evaluate(dispatcher, labelled, on_tickets=on_tickets)
