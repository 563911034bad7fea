"""The ways of fine-tuning that `bench_trainer` compares, and what all of them are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import PrinterCallback, Trainer, TrainingArguments

from data.catalog.catalog import Catalog
from data.tickets.columns import ColumnMapping
from data.tickets.reading import read_tickets
from model.classifier import CatalogClassifier
from model.encoder import LoadedEncoder, load_encoder
from model.jurisdiction import PlaceResolver
from model.layout import UnitLayout
from model.place_evidence import FEATURES, PlaceEvidence, out_of_fold_evidence
from model.place_names import LearnedPlaces
from training.corpus import Corpus
from training.errors import TrainingError
from training.examples import BatchCollator, Examples
from training.fine_tune import DutyRefresh, fine_tune
from training.metrics import right_ranks
from training.settings import TrainingSettings

_MEASURED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """What all methods are given: the network's parts and the tickets, tokenised."""

    settings: TrainingSettings
    catalog: Catalog
    layout: UnitLayout
    learned: Examples
    later: Examples
    duty_ids: Sequence[Sequence[int]]

    @classmethod
    def read(
        cls,
        tickets: Path,
        columns: ColumnMapping,
        catalog: Catalog,
        settings: TrainingSettings,
        *,
        count: int,
        later: int,
    ) -> Prepared:
        """Take the latest `later` tickets to measure on, and the `count` before them to learn."""
        layout = UnitLayout.from_catalog(catalog)
        corpus = Corpus.from_dataset(
            read_tickets(tickets, columns, catalog=catalog, labelled=True).dataset, layout.units
        )
        if len(corpus) < count + later:
            raise TrainingError(
                f"{len(corpus)} usable tickets", where=tickets.name, expected=f"{count + later} or more"
            )
        earlier, latest = corpus.cut_latest(later / len(corpus))
        earlier = earlier.select(_latest(earlier, count))
        encoder = _encoder(settings)
        places = [layout.jurisdictions[place] for place in layout.jurisdiction_of[earlier.labels]]
        resolver = PlaceResolver(
            catalog.gazetteer,
            LearnedPlaces.fit([item.normalised.text for item in earlier.inputs], places, catalog.gazetteer),
        )
        shape = (len(layout.jurisdictions), len(FEATURES))
        learned, measured = (
            out_of_fold_evidence(earlier.inputs, places, catalog.gazetteer, layout.jurisdictions),
            PlaceEvidence(resolver, layout.jurisdictions).matrix(latest.inputs),
        )
        return cls(
            settings,
            catalog,
            layout,
            Examples(_ids(encoder, earlier.texts), learned, shape, earlier.labels),
            Examples(_ids(encoder, latest.texts), measured, shape, latest.labels),
            _ids(encoder, [catalog.families[name].duty for name in layout.families]),
        )

    def network(self, seed: int) -> tuple[CatalogClassifier, int]:
        """Return the untrained network, and the id that pads."""
        encoder = _encoder(self.settings)
        torch.manual_seed(seed)
        network = CatalogClassifier(
            encoder.network,
            self.layout,
            hidden_size=encoder.hidden_size,
            evidence_features=len(FEATURES),
            dropout=self.settings.dropout,
            duty_dropout=self.settings.duty_dropout,
            label_smoothing=self.settings.label_smoothing,
        )
        return network, encoder.pad_id

    @torch.no_grad()
    def ranks(self, network: CatalogClassifier, pad_id: int) -> NDArray[np.int64]:
        """Return the place of the right unit for each later ticket, by the network alone."""
        network.eval()
        collate, scores = BatchCollator(self.later, pad_id), []
        for start in range(0, len(self.later), _MEASURED_AT_ONCE):
            batch = collate(range(start, min(start + _MEASURED_AT_ONCE, len(self.later))))
            del batch["labels"]
            scores.append(network(**batch)["logits"].numpy())
        return right_ranks(np.concatenate(scores), self.later.labels)


@dataclass(frozen=True, slots=True)
class FixedWidth:
    """Collates as `collator` does, and pads every text to the same length."""

    collator: BatchCollator
    width: int

    def __call__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """Collate one batch."""
        batch = self.collator(indices)
        lacking = self.width - batch["input_ids"].shape[1]
        batch["input_ids"] = functional.pad(batch["input_ids"], (0, lacking), value=self.collator.pad_id)
        batch["attention_mask"] = functional.pad(batch["attention_mask"], (0, lacking))
        return batch


def ours(prepared: Prepared, network: CatalogClassifier, pad_id: int, folder: Path, seed: int) -> None:
    """Train as `paidan train` does."""
    settings = prepared.settings.model_copy(update={"seed": seed})
    fine_tune(
        network,
        prepared.learned,
        pad_id=pad_id,
        duty_ids=prepared.duty_ids,
        settings=settings,
        folder=folder,
    )


def plain(
    prepared: Prepared,
    network: CatalogClassifier,
    pad_id: int,
    folder: Path,
    seed: int,
    *,
    fixed_width: bool = False,
    our_rates: bool = False,
) -> None:
    """Train by Trainer as it comes; `our_rates` sets batch size, learning rate and warm-up to ours."""
    settings = prepared.settings
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        seed=seed,
        use_cpu=True,
        remove_unused_columns=False,  # the collator takes row numbers
        disable_tqdm=True,
        report_to=[],
    )
    if our_rates:
        arguments.per_device_train_batch_size = settings.batch_size
        arguments.learning_rate = settings.learning_rate
        arguments.warmup_steps = settings.warmup
    collator = BatchCollator(prepared.learned, pad_id)
    trainer = Trainer(
        model=network,
        args=arguments,
        train_dataset=prepared.learned,
        data_collator=FixedWidth(collator, settings.max_tokens) if fixed_width else collator,
        callbacks=[DutyRefresh(prepared.duty_ids, pad_id)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def _encoder(settings: TrainingSettings) -> LoadedEncoder:
    encoder = load_encoder(
        settings.encoder, layers=settings.layers, pooling=settings.pooling, dropout=settings.encoder_dropout
    )
    encoder.tokenizer.no_padding()
    encoder.tokenizer.enable_truncation(min(settings.max_tokens, encoder.max_positions))
    return encoder


def _ids(encoder: LoadedEncoder, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in encoder.tokenizer.encode_batch(texts)]


def _latest(corpus: Corpus, count: int) -> NDArray[np.int64]:
    """Return the places of the latest tickets, in the order of the file; one without a date is oldest."""
    keys = [moment.timestamp() if moment is not None else float("-inf") for moment in corpus.dates]
    return np.sort(np.argsort(keys, kind="stable")[-count:])
