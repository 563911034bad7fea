"""The systems that `benchmark_accuracy` compares, each trained on the same tickets with the same settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from transformers.utils import logging as transformers_logging

from data.catalog.catalog import Catalog
from data.catalog.draft import CatalogDrafter
from data.catalog.folder import load_catalog, save_catalog
from data.catalog.variants import load_variants
from data.gazetteer.build import build_gazetteer
from data.splits import duplicate_groups, split_by_time
from data.tickets.columns import ColumnMapping
from data.tickets.reading import read_tickets
from model import artifact
from model.combination import Combination
from model.dispatcher import Dispatcher
from model.encoder import EMBEDDED, LoadedEncoder, TextEncoder, load_encoder
from model.layout import UnitLayout
from training.baselines import Baseline, FrozenEncoderLogistic, MajorityClass, TfidfLinearSVC
from training.corpus import Corpus
from training.errors import TrainingError
from training.examples import Examples, pad
from training.fine_tune import fine_tune
from training.flat import FlatClassifier
from training.progress import step
from training.settings import TrainingSettings
from training.train import TrainingRequest, train

FloatArray = NDArray[np.float32]
Scores = dict[str, FloatArray]

MAJORITY = "majority class"
TFIDF = "TF-IDF + LinearSVC"
FROZEN = "frozen encoder + logistic regression"
FLAT = "flat head"
CATALOG = "catalog head"
COMBINED = "catalog head + lexical expert"

_FROZEN_STRENGTHS = (0.003, 0.03, 0.3)  # C, inverse strength of regularisation; chosen on the latest slice
_E5_PREFIX = "query: "  # what the embedded encoder was trained to read; fine-tuning learns to do without
_NO_WORDS = "。"
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Task:
    """What every system is given. `until` is the last day to train on; `work` holds scratch files."""

    tickets: Path
    columns: ColumnMapping
    catalog: Path
    settings: TrainingSettings
    until: date
    work: Path


@dataclass(frozen=True, slots=True)
class Tickets:
    """The task's tickets: `earlier` and `latest` to train and calibrate on, `test` from after the day."""

    catalog: Catalog
    units: tuple[str, ...]
    earlier: Corpus
    latest: Corpus
    test: Corpus

    @classmethod
    def read(cls, task: Task) -> Tickets:
        """Read and split; a text seen before the day, digits and punctuation aside, is not in the test."""
        catalog = load_catalog(task.catalog)
        units = UnitLayout.from_catalog(catalog).units
        file = read_tickets(task.tickets, task.columns, catalog=catalog, labelled=True)
        corpus = Corpus.from_dataset(file.dataset, units)
        before, after = split_by_time(corpus.dates, duplicate_groups(corpus.texts), task.until)
        if not len(before) or not len(after):
            raise TrainingError(
                f"{len(before)} tickets up to {task.until} and {len(after)} later ones",
                where=task.tickets.name,
                expected="tickets to train on and tickets to measure on",
            )
        earlier, latest = corpus.select(before).cut_latest(task.settings.calibration_share)
        return cls(catalog, units, earlier, latest, corpus.select(after))

    @property
    def training(self) -> Corpus:
        """Return all tickets up to the day."""
        return self.earlier.followed_by(self.latest)


def draft_catalog(
    tickets: Path, columns: ColumnMapping, *, city: str, variants: Path, until: date, output: Path
) -> None:
    """Draft the catalog that the systems share, and leave it as a folder.

    A city knows its units, so those that first occur after the day are in it by name; the words of duty
    texts come from the tickets up to the day alone.
    """
    drafter = CatalogDrafter(build_gazetteer(city))
    rows = read_tickets(tickets, columns, labelled=True).dataset
    later: set[str] = set()
    known: set[str] = set()
    for row in rows:
        if row["created_at"] is not None and row["created_at"].date() > until:
            later.add(row["department"])
        else:
            known.add(row["department"])
            drafter.add(row["department"], row["text"])
    for name in sorted(later - known):
        drafter.add(name, _NO_WORDS)
    save_catalog(drafter.draft(load_variants(variants), version=f"{until:%Y-%m}").catalog, output)


def majority(task: Task) -> Scores:
    """Score with the class shares."""
    return {MAJORITY: _baseline(MajorityClass(), Tickets.read(task))}


def tfidf(task: Task) -> Scores:
    """Score with TF-IDF and a linear SVM."""
    return {TFIDF: _baseline(TfidfLinearSVC(seed=task.settings.seed), Tickets.read(task))}


def frozen(task: Task) -> Scores:
    """Score with a logistic regression over the encoder as it comes; each text is encoded once."""
    tickets = Tickets.read(task)
    encoder = _encoder(task.settings)
    prefix = _E5_PREFIX if task.settings.encoder == EMBEDDED else ""
    vectors: dict[str, FloatArray] = {}

    def embed(texts: list[str]) -> FloatArray:
        new = list(dict.fromkeys(text for text in texts if text not in vectors))
        if new:
            vectors.update(zip(new, _encode(encoder, [prefix + text for text in new]), strict=True))
        return np.stack([vectors[text] for text in texts])

    with step("encoding"):
        embed([*tickets.training.texts, *tickets.test.texts])
    with step("choosing the strength of the regression"):
        right = {c: _top1(FrozenEncoderLogistic(embed, c=c), tickets) for c in _FROZEN_STRENGTHS}
    best = max(right, key=right.__getitem__)
    return {FROZEN: _baseline(FrozenEncoderLogistic(embed, c=best), tickets)}


def flat(task: Task) -> Scores:
    """Score with the encoder fine-tuned under one free vector a unit."""
    tickets, settings = Tickets.read(task), task.settings
    encoder = _encoder(settings)
    torch.manual_seed(settings.seed)
    classifier = FlatClassifier(
        encoder.network,
        len(tickets.units),
        hidden_size=encoder.hidden_size,
        dropout=settings.dropout,
        label_smoothing=settings.label_smoothing,
    )
    ids = _token_ids(encoder, tickets.earlier.texts)
    fine_tune(
        classifier,
        Examples(ids, csr_matrix(np.zeros((len(ids), 1), dtype=np.float32)), (1, 1), tickets.earlier.labels),
        pad_id=encoder.pad_id,
        duty_ids=[],
        settings=settings,
        folder=task.work / "checkpoints",
    )

    def logits(corpus: Corpus) -> FloatArray:
        return _batched(_token_ids(encoder, corpus.texts), encoder.pad_id, classifier.predict)

    return {FLAT: _calibrated(logits(tickets.latest), tickets.latest, logits(tickets.test))}


def catalog(task: Task) -> Scores:
    """Score with what `paidan train` makes: its encoder with the catalog head alone, and the whole of it."""
    folder = task.work / "artifact"
    tickets = Tickets.read(task)
    if not (folder / artifact.MANIFEST).exists():
        train(
            TrainingRequest(
                task.tickets, task.columns, tickets.catalog, task.settings, folder, until=task.until
            )
        )
    dispatcher = Dispatcher.load(folder, threads=task.settings.threads)
    # The artifact's encoder has seen the latest tickets since it was calibrated on them.
    alone = Combination((CATALOG,), (artifact.read_manifest(folder).metrics["encoder_weight_alone"],))
    head_alone = alone.scores([_catalog_head(dispatcher, tickets)])
    return {CATALOG: head_alone, COMBINED: dispatcher.scores([item.ticket for item in tickets.test.inputs])}


JOBS: Mapping[str, Callable[[Task], Scores]] = {
    "majority": majority,
    "tfidf": tfidf,
    "frozen": frozen,
    "flat": flat,
    "catalog": catalog,
}
"""What is trained in one go, by name; each gives the scores float32 [tests, units] of one system or two."""


def _baseline(baseline: Baseline, tickets: Tickets) -> FloatArray:
    """Calibrate on the latest slice, then train again on all tickets, as `train` does with what is cheap."""
    units = len(tickets.units)
    earlier, training = tickets.earlier, tickets.training
    on_latest = baseline.fit(earlier.texts, earlier.labels, units).scores(tickets.latest.texts)
    on_test = baseline.fit(training.texts, training.labels, units).scores(tickets.test.texts)
    return _calibrated(on_latest, tickets.latest, on_test)


def _top1(baseline: Baseline, tickets: Tickets) -> float:
    fitted = baseline.fit(tickets.earlier.texts, tickets.earlier.labels, len(tickets.units))
    return float((fitted.scores(tickets.latest.texts).argmax(1) == tickets.latest.labels).mean())


def _calibrated(on_latest: FloatArray, latest: Corpus, on_test: FloatArray) -> FloatArray:
    return Combination.fit(["system"], [on_latest], latest.labels).scores([on_test])


def _catalog_head(dispatcher: Dispatcher, tickets: Tickets) -> FloatArray:
    """Return the logits [N, U] of the test by the artifact's encoder and head."""
    experts = dispatcher.experts
    if experts.head.layout.units != tickets.units:
        raise TrainingError("the artifact's units are not those of the tickets", where="benchmark")
    inputs = tickets.test.inputs
    return experts.encoder_logits(inputs, experts.read_places(inputs))


def _encoder(settings: TrainingSettings) -> LoadedEncoder:
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    encoder = load_encoder(
        settings.encoder, layers=settings.layers, pooling=settings.pooling, dropout=settings.encoder_dropout
    )
    encoder.tokenizer.no_padding()
    encoder.tokenizer.enable_truncation(min(settings.max_tokens, encoder.max_positions))
    return encoder


def _token_ids(encoder: LoadedEncoder, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in encoder.tokenizer.encode_batch(texts)]


def _encode(encoder: LoadedEncoder, texts: list[str]) -> FloatArray:
    network: TextEncoder = encoder.network.eval()
    with torch.no_grad():
        return _batched(_token_ids(encoder, texts), encoder.pad_id, network)


def _batched(
    ids: list[list[int]], pad_id: int, run: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> FloatArray:
    """Run texts of like length together; return the rows in the order given."""
    order = np.argsort([len(tokens) for tokens in ids], kind="stable")
    parts = [
        run(*pad([ids[i] for i in order[start : start + _BATCH]], pad_id)).numpy()
        for start in range(0, len(order), _BATCH)
    ]
    sorted_rows = np.concatenate(parts)
    rows: FloatArray = np.empty_like(sorted_rows)
    rows[order] = sorted_rows
    return rows
