"""`python -m training.benchmark_quality`: what the work list and the choice of tickets gain on real tickets.

Run by hand: HAIKOU=FILE make benchmark-quality. Both parts measure with the cheap lexical expert's features
and linear model, not with the whole model, which takes hours for so many trainings.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from model.lexical_features import LexicalFeatures
from model.segment import Segmenter, catalog_words
from training import benchmark_systems as systems
from training.benchmark_systems import Task, Tickets
from training.progress import say, step
from training.quality.choose import spread_out
from training.quality.label_suspects import find_suspects
from training.quality.settings import QualitySettings, load_quality_settings
from training.settings import load_settings
from training.tables import Column, Provenance, Row, write_report

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

UNTIL = date(2018, 4, 30)
CITY = "海口市"
FLIPPED = 0.2
START, CHOSEN = 2000, 500

_CONFIGS = Path(__file__).resolve().parent.parent / "configs"
_MIN_DOCUMENTS = 3
_C = 0.5
_TOLERANCE = 1e-2
_COLUMNS = (
    Column("measured", "Measured"),
    Column("seed", "seed", "d"),
    Column("found", "found by the list", ".1%"),
    Column("clean", "top-1, clean", ".1%"),
    Column("flipped", "top-1, flipped", ".1%"),
    Column("corrected", "top-1, corrected", ".1%"),
    Column("won_back", "won back", ".0%"),
    Column("start", "top-1, 2,000", ".1%"),
    Column("random", "500 at random more", ".1%"),
    Column("chosen", "500 chosen more", ".1%"),
)


class _Trials:
    """The tickets as rows of features, and how well a linear model does that learned some of them."""

    def __init__(self, tickets: Tickets) -> None:
        self.tickets = tickets
        training = tickets.training
        features = LexicalFeatures.fit(
            training.texts, None, Segmenter(catalog_words(tickets.catalog)), min_documents=_MIN_DOCUMENTS
        )
        self.rows: csr_matrix = features.matrix(training.texts)
        self.labels = training.labels
        self._test = features.matrix(tickets.test.texts)

    def model(self, chosen: IntArray, labels: IntArray) -> LinearSVC:
        """Learn the chosen tickets with their labels."""
        return LinearSVC(C=_C, random_state=0, tol=_TOLERANCE).fit(self.rows[chosen], labels)

    def accuracy(self, model: Any) -> float:
        """Return the share of the later tickets that a model gets right."""
        return float((model.predict(self._test) == self.tickets.test.labels).mean())

    def after(self, chosen: IntArray, labels: IntArray) -> float:
        """Learn and measure."""
        return self.accuracy(self.model(chosen, labels))


def flip_labels(labels: IntArray, share: float, seed: int) -> IntArray:
    """Return the labels with a share of them replaced by those of other tickets of other units."""
    generator = np.random.default_rng(seed)
    flipped = labels.copy()
    for place in np.flatnonzero(generator.random(len(labels)) < share):
        while flipped[place] == labels[place]:
            flipped[place] = labels[generator.integers(len(labels))]
    return flipped


def measure_labels(trials: _Trials, settings: QualitySettings, seed: int) -> Row:
    """Flip labels, look for them, correct what the work list holds, and measure each time."""
    flipped = flip_labels(trials.labels, FLIPPED, seed)
    found = find_suspects(
        trials.tickets.training.texts, flipped, trials.tickets.units, trials.tickets.catalog, settings
    )
    corrected = flipped.copy()
    corrected[found.places] = trials.labels[found.places]
    everything = np.arange(len(flipped), dtype=np.int64)
    wrong = flipped != trials.labels
    clean, worse, better = (
        trials.after(everything, labels) for labels in (trials.labels, flipped, corrected)
    )
    return {
        "measured": "flipped labels",
        "seed": seed,
        "found": float(wrong[found.places].sum() / wrong.sum()),
        "clean": clean,
        "flipped": worse,
        "corrected": better,
        "won_back": (better - worse) / (clean - worse),
    }


def measure_choice(trials: _Trials, vectors: FloatArray, settings: QualitySettings, seed: int) -> Row:
    """Learn some tickets, then some more: at random, or the least certain ones of many kinds."""
    order = np.random.default_rng(seed).permutation(len(trials.labels))
    known, rest = order[:START], order[START:]
    model = trials.model(known, trials.labels[known])
    ranked = np.sort(model.decision_function(trials.rows[rest]), axis=1)
    margin = ranked[:, -1] - ranked[:, -2]
    uncertain = np.argsort(margin, kind="stable")[: CHOSEN * settings.candidates_per_choice]
    weights = (1 - margin[uncertain] / margin.max()).astype(np.float32)
    chosen = rest[uncertain[spread_out(vectors[rest[uncertain]], weights, CHOSEN, seed=seed)]]
    start = trials.accuracy(model)
    more = [np.concatenate([known, added]) for added in (rest[:CHOSEN], chosen)]
    by_chance, by_choice = (trials.after(rows, trials.labels[rows]) - start for rows in more)
    return {
        "measured": "tickets to label",
        "seed": seed,
        "start": start,
        "random": by_chance,
        "chosen": by_choice,
    }


def _vectors(trials: _Trials, task: Task) -> FloatArray:
    """Return the vectors of the encoder as it comes, kept in the work folder."""
    kept = task.work / "vectors.npy"
    if not kept.exists():
        with step("encoding"):
            encoder = systems._encoder(task.settings)
            np.save(kept, systems._encode(encoder, [f"query: {t}" for t in trials.tickets.training.texts]))
    vectors: FloatArray = np.load(kept)
    return vectors


def _run(tickets: Path, work: Path, report: Path, seeds: Sequence[int], *, choosing: bool) -> None:
    columns = ColumnMapping.load(_CONFIGS / "columns" / "haikou.yaml")
    catalog = work / "catalog"
    variants = _CONFIGS / "catalog" / "haikou_variants.yaml"
    with step("drafting the catalog"):
        systems.draft_catalog(tickets, columns, city=CITY, variants=variants, until=UNTIL, output=catalog)
    settings, quality = load_settings(_CONFIGS / "train" / "haikou.yaml", layers=6), load_quality_settings()
    task = Task(tickets, columns, catalog, settings, UNTIL, work)
    trials = _Trials(Tickets.read(task))
    rows: list[Row] = []
    for seed in seeds:
        if choosing:
            with step(f"tickets to label, seed {seed}"):
                rows.append(measure_choice(trials, _vectors(trials, task), quality, seed))
        with step(f"flipped labels, seed {seed}"):
            rows.append(measure_labels(trials, quality, seed))
        say(str(rows[-1]))
    provenance = Provenance.gather(
        command="make benchmark-quality HAIKOU=" + tickets.name,
        data=[tickets],
        split=f"to {UNTIL} for training, later tickets for measuring",
    )
    columns_used = [column for column in _COLUMNS if any(column.key in row for row in rows)]
    notes = (
        f"{FLIPPED:.0%} of the training labels were replaced by those of other tickets, at random; the work "
        f"list holds the {quality.work_list_share:.0%} most suspect, and correcting them means giving back "
        f"what stood there before. Choosing starts from {START:,} tickets at random; gains are in points of "
        "top-1. All figures are of a linear model on the lexical expert's features."
    )
    write_report(report, "Work list and choice on real tickets", rows, columns_used, provenance, notes=notes)
    say(f"written: {report}.md, {report}.json")


def main(  # typer calls it by name
    tickets: Annotated[Path, typer.Option(help="The city's labelled tickets.")],
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done.")] = Path(
        "artifacts/benchmark-quality"
    ),
    report: Annotated[Path, typer.Option(help="Report to write, without .md and .json.")] = Path(
        "docs/benchmarks/quality"
    ),
    seed: Annotated[list[int] | None, typer.Option(help="Seeds; may be given several times.")] = None,
    choosing: Annotated[bool, typer.Option(help="Also measure the choice of tickets to label.")] = True,
) -> None:
    """Measure what the work list finds and what the choice of tickets gains."""
    try:
        _run(tickets, work, report, seed or [17, 18, 19], choosing=choosing)
    except PaidanError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
