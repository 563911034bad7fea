"""A city's tickets month by month: a retraining at the end of each, promoted if the gates let it."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data.catalog.folder import load_catalog
from data.tickets.columns import ColumnMapping
from model import artifact
from model.promotion import closed_gates
from model.registry import Entry, Registry
from training import benchmark_systems as systems
from training.benchmark_accuracy import CITY
from training.progress import say, step
from training.quality.desk import ticket_line
from training.quality.lists import write_jsonl, write_text
from training.quality.settings import load_quality_settings
from training.quality.ticket_rows import UsableRows
from training.report.gates import load_gates
from training.retrain.pipeline import REGISTER, registered_name, steps_of
from training.retrain.request import RetrainRequest
from training.retrain.steps import run_steps
from training.settings import TrainingSettings
from training.train import TrainingRequest, train

IDENTITY = ColumnMapping.identity()

_BY = "benchmark"
_VARIANTS = Path(__file__).resolve().parent.parent / "configs" / "catalog" / "haikou_variants.yaml"


@dataclass(frozen=True)
class Months:
    """The tickets of each month under our own names, in files of a work folder, and a catalog for each."""

    work: Path
    names: Sequence[str]

    @classmethod
    def part(cls, tickets: Path, columns: ColumnMapping, work: Path) -> Months:
        """Part a ticket file; a file that was parted before is parted again to the same bytes."""
        lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for _, ticket in UsableRows(tickets, columns):
            if ticket.created_at is not None and ticket.department is not None:
                lines[f"{ticket.created_at:%Y-%m}"].append(ticket_line(ticket))
        months = cls(work, sorted(lines))
        for name, held in lines.items():
            write_jsonl(months.file(name), held)
        write_jsonl(months.everything, (line for name in months.names for line in lines[name]))
        return months

    @property
    def everything(self) -> Path:
        """Return the file of all months."""
        return self.work / "tickets.jsonl"

    def file(self, name: str) -> Path:
        """Return the file of one month."""
        return self.work / "months" / f"{name}.jsonl"

    def up_to(self, name: str) -> Path:
        """Write and return the file of all months up to one."""
        path = self.work / "months" / f"to-{name}.jsonl"
        parts = [self.file(month).read_bytes() for month in self.names if month <= name]
        write_text(path, b"".join(parts).decode())
        return path

    def catalog(self, name: str) -> Path:
        """Return the catalog as a city has it at the end of a month: its words are of tickets up to then."""
        folder = self.work / "catalogs" / name
        if not folder.exists():
            with step(f"drafting the catalog of {name}"):
                systems.draft_catalog(
                    self.everything,
                    IDENTITY,
                    city=CITY,
                    variants=_VARIANTS,
                    until=last_day(name),
                    output=folder,
                )
        return folder


@dataclass(frozen=True, slots=True)
class Round:
    """What the retraining at the end of `month` came to. `closed` are the gates that stood against it."""

    month: str
    champion: Entry
    candidate: Entry
    closed: tuple[str, ...]

    @property
    def serves(self) -> Entry:
        """Return what serves after it."""
        return self.champion if self.closed else self.candidate


def last_day(month: str) -> date:
    """Return the last day of a month such as 2018-02."""
    year, number = map(int, month.split("-"))
    return date(year, number, calendar.monthrange(year, number)[1])


def walk(months: Months, first: str, settings: TrainingSettings) -> tuple[Entry, list[Round]]:
    """Train to the first month, then retrain at the end of each but the last; what is done is kept."""
    registry = Registry(months.work / "registry")
    start = months.work / "first"
    if not (start / artifact.MANIFEST).exists():
        catalog = load_catalog(months.catalog(first))
        train(TrainingRequest(months.up_to(first), IDENTITY, catalog, settings, start))
    never = champion = registry.add(start)
    rounds: list[Round] = []
    later = [month for month in months.names if month > first]
    for month in later[:-1]:
        if registry.current() != champion:  # at first, and when an interrupted run goes on
            registry.promote(champion.name, by=_BY, reason=f"serves before the round of {month}")
        work = months.work / "rounds" / month
        request = RetrainRequest(
            champion=champion.folder,
            old=months.up_to(first),
            new=[months.file(name) for name in later if name <= month],
            feedback=[],
            catalog=load_catalog(months.catalog(month)),
            columns=IDENTITY,
            new_columns=None,
            settings=settings,
            quality=load_quality_settings(),
            gates=load_gates(),
            work=work,
            registry=registry.root,
            judge_labels=False,
        )
        run_steps(work, steps_of(request))
        candidate = registry.entry(registered_name(work / REGISTER))
        closed = closed_gates(registry, candidate.name)
        if not closed:
            registry.promote(candidate.name, by=_BY, reason=f"the tickets of {month}")
        rounds.append(Round(month, champion, candidate, closed))
        say(f"{month}: {candidate.name} {'refused: ' + ', '.join(closed) if closed else 'promoted'}")
        champion = rounds[-1].serves
    return never, rounds
