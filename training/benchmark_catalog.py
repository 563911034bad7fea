"""`python -m training.benchmark_catalog`: units and families that a model never saw, added to its catalog."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml

from data.catalog.catalog import Catalog
from data.catalog.folder import load_catalog
from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from model import artifact
from model.dispatcher import Dispatcher
from model.live_catalog import apply_catalog
from training import benchmark_systems as systems
from training.benchmark_accuracy import CITY, UNTIL
from training.benchmark_systems import Task, Tickets
from training.corpus import Corpus
from training.errors import TrainingError
from training.metrics import right_ranks, top_k_accuracy
from training.progress import say, step
from training.settings import TrainingSettings, load_settings
from training.tables import Column, Provenance, Row, write_report
from training.train import TrainingRequest, train

HELD_UNITS, HELD_FAMILIES = 20, 15
_FEWEST_TESTS = 3
_CONFIGS = Path(__file__).resolve().parent.parent / "configs"

_COLUMNS = (
    Column("tickets", "Tickets of"),
    Column("units", "units", "d"),
    Column("count", "tickets", "d"),
    Column("top1", "top-1", ".1%"),
    Column("top3", "top-3", ".1%"),
    Column("unit_top3", "top-3, mean of units", ".1%"),
)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Codes of the units that a training does not see.

    `units` have sisters of their family in the training; of the families of `strangers` it sees nothing.
    """

    units: frozenset[str]
    strangers: frozenset[str]

    @classmethod
    def choose(cls, catalog: Catalog, tickets: Tickets, seed: int) -> HeldOut:
        """Draw units and families that have tickets before and after the day, at most one unit a family.

        Raises:
            TrainingError: there are not enough of them.
        """
        trained, tested = _per_unit(tickets.training, tickets.units), _per_unit(tickets.test, tickets.units)
        families = {name: [unit.code for unit in catalog.units_of(name)] for name in sorted(catalog.families)}
        draw = np.random.default_rng(seed)
        sisters = [
            code
            for codes in families.values()
            if sum(trained[code] > 0 for code in codes) > 1
            for code in codes
            if trained[code] and tested[code] >= _FEWEST_TESTS
        ]
        units: dict[str, str] = {}
        for code in draw.permutation(sorted(sisters)).tolist():
            units.setdefault(catalog.departments[code].family, code)
        held = dict(list(units.items())[:HELD_UNITS])
        whole = [
            name
            for name, codes in families.items()
            if name not in held
            and any(trained[code] for code in codes)
            and sum(tested[code] for code in codes) >= _FEWEST_TESTS
        ]
        if len(held) < HELD_UNITS or len(whole) < HELD_FAMILIES:
            raise TrainingError(
                f"{len(held)} units with sisters and {len(whole)} other families have enough tickets",
                where="tickets",
                expected=f"{HELD_UNITS} and {HELD_FAMILIES}",
            )
        chosen = draw.permutation(whole)[:HELD_FAMILIES].tolist()
        return cls(frozenset(held.values()), frozenset(code for name in chosen for code in families[name]))

    def without(self, catalog: Catalog) -> Catalog:
        """Return the catalog as it was before these units came."""
        gone = self.units | self.strangers
        departments = [unit for unit in catalog.departments.values() if unit.code not in gone]
        left = {unit.family for unit in departments}
        return Catalog.from_entries(
            city=catalog.city,
            gazetteer=catalog.gazetteer,
            departments=departments,
            families=[family for family in catalog.families.values() if family.name in left],
            version=catalog.version,
        )


def with_duties(catalog: Catalog, duties: Mapping[str, str]) -> Catalog:
    """Return a catalog whose families have the duty texts that a person wrote for them."""
    families = {
        name: replace(family, duty=duties.get(name, family.duty)) for name, family in catalog.families.items()
    }
    return replace(catalog, families=families)


def measure(dispatcher: Dispatcher, corpus: Corpus, units: Sequence[str], codes: frozenset[str]) -> Row:
    """Return how well the tickets of the given units are dispatched; `units` names the corpus's labels."""
    of_unit = [units[label] for label in corpus.labels]
    rows = np.array([index for index, code in enumerate(of_unit) if code in codes], dtype=np.int64)
    number = {code: row for row, code in enumerate(dispatcher.experts.head.layout.units)}
    labels = np.array([number[of_unit[row]] for row in rows], dtype=np.int64)
    ranks = right_ranks(dispatcher.scores([corpus.inputs[row].ticket for row in rows]), labels)
    per_unit = [float((ranks[labels == label] <= 3).mean()) for label in np.unique(labels)]
    return {
        "units": len(per_unit),
        "count": len(rows),
        "top1": top_k_accuracy(ranks, 1),
        "top3": top_k_accuracy(ranks, 3),
        "unit_top3": float(np.mean(per_unit)),
    }


def main(  # typer calls it by name
    tickets: Annotated[Path, typer.Option(help="The city's labelled tickets.")],
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done.")] = Path(
        "artifacts/benchmark-catalog"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/catalog"
    ),
    config: Annotated[Path, typer.Option(help="Training settings.")] = _CONFIGS / "train" / "haikou.yaml",
    columns: Annotated[Path, typer.Option(help="Mapping of the file's headers.")] = _CONFIGS
    / "columns"
    / "haikou.yaml",
    layers: Annotated[
        int | None, typer.Option(help="Layers of the encoder; as configured by default.")
    ] = None,
) -> None:
    """Train without some units and families, add them to the catalog afterwards, and measure."""
    try:
        settings = load_settings(config)
        if layers is not None:
            settings = settings.model_copy(update={"layers": layers})
        _run(tickets, work, report, settings, ColumnMapping.load(columns))
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _run(tickets: Path, work: Path, report: Path, settings: TrainingSettings, columns: ColumnMapping) -> None:
    folder = work / "catalog"
    with step("drafting the catalog"):
        variants = _CONFIGS / "catalog" / "haikou_variants.yaml"
        systems.draft_catalog(tickets, columns, city=CITY, variants=variants, until=UNTIL, output=folder)
    held_tickets = Tickets.read(Task(tickets, columns, folder, settings, UNTIL, work))
    whole = load_catalog(folder)
    held = HeldOut.choose(whole, held_tickets, settings.seed)
    trained = work / f"trained-{settings.layers}-layers"
    if not (trained / artifact.MANIFEST).exists():
        train(TrainingRequest(tickets, columns, held.without(whole), settings, trained, until=UNTIL))
    duties = yaml.safe_load((_CONFIGS / "catalog" / "haikou_duties.yaml").read_text("utf-8"))
    with step("applying the whole catalog"):
        apply_catalog(trained, with_duties(whole, duties), work / "applied")
    before, after = Dispatcher.load(trained), Dispatcher.load(work / "applied")
    rest = frozenset(before.experts.head.layout.units)
    say("measuring")
    rows: list[Row] = [
        {"tickets": name, **measure(model, held_tickets.test, held_tickets.units, codes)}
        for name, model, codes in (
            ("units added, sisters of known ones", after, held.units),
            ("families added, known by their duty text", after, held.strangers),
            ("all others, before", before, rest),
            ("all others, after", after, rest),
        )
    ]
    provenance = Provenance.gather(
        command=f"make benchmark-catalog HAIKOU={tickets.name}",
        data=[tickets],
        split=f"to {UNTIL} for training, later tickets for measuring",
        seed=settings.seed,
    )
    write_report(report, "Units that the model never saw", rows, _COLUMNS, provenance, notes=_notes(settings))
    say(f"written: {report}.md, {report}.json")


def _notes(settings: TrainingSettings) -> str:
    return f"""{HELD_UNITS} units of families that have other units, and {HELD_FAMILIES} whole families,
are taken out of the catalog before the training, and their tickets with them ({settings.layers} layers,
{settings.epochs} epochs). They are drawn with the seed among those with at least {_FEWEST_TESTS} tickets to
measure on. Then `paidan catalog apply` puts the whole catalog in; nothing is trained again. Those of known
families have the duty texts that `paidan catalog draft` makes of words of tickets up to the day; those of
added ones are in configs/catalog/haikou_duties.yaml, written from public knowledge without any ticket.
"""


def _per_unit(corpus: Corpus, units: Sequence[str]) -> Counter[str]:
    return Counter(units[label] for label in corpus.labels)


if __name__ == "__main__":
    typer.run(main)
