"""The encoder with the catalog head: trained, brought up to date with the latest tickets, exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from data.catalog.catalog import Catalog
from model import artifact
from model.classifier import CatalogClassifier
from model.encoder import load_encoder
from model.head import HeadWeights
from model.layout import UnitLayout
from model.place_evidence import FEATURES, out_of_fold_evidence
from model.runtime import EncoderRuntime
from training.corpus import Corpus, IntArray
from training.examples import Examples
from training.export import check_export, export_encoder
from training.fine_tune import fine_tune
from training.progress import step
from training.settings import TrainingSettings

_CHECKED_TEXTS = 16


class EncoderTraining:
    """One encoder and head, from the checkpoint that the settings name to the exported file."""

    def __init__(self, catalog: Catalog, layout: UnitLayout, settings: TrainingSettings) -> None:
        """Open the encoder.

        Raises:
            EncoderError: it cannot be loaded.
        """
        self._catalog, self._layout, self._settings = catalog, layout, settings
        self._encoder = load_encoder(
            settings.encoder,
            layers=settings.layers,
            pooling=settings.pooling,
            dropout=settings.encoder_dropout,
        )
        self.max_tokens = min(settings.max_tokens, self._encoder.max_positions)
        torch.manual_seed(settings.seed)
        self._classifier = CatalogClassifier(
            self._encoder.network,
            layout,
            hidden_size=self._encoder.hidden_size,
            evidence_features=len(FEATURES),
            dropout=settings.dropout,
            duty_dropout=settings.duty_dropout,
            label_smoothing=settings.label_smoothing,
        )

    @property
    def pad_id(self) -> int:
        """Id of the token that fills up short texts."""
        return self._encoder.pad_id

    def fit(self, earlier: Corpus, folder: Path) -> None:
        """Train on the earlier tickets; checkpoints go to `folder`."""
        with step("reading places"):
            examples = self._examples(earlier, np.arange(len(earlier)))
        with step("fine-tuning the encoder"):
            self._train(examples, self._settings, folder, "fine-tuning")

    def refresh(self, earlier: Corpus, latest: Corpus, folder: Path) -> None:
        """See the latest tickets once, with as many earlier ones so that nothing is forgotten.

        The learning rates are `refresh_rate` of those of the training; 0 leaves all as it is.
        """
        settings = self._settings
        if not settings.refresh_rate:
            return
        draw = np.random.default_rng(settings.seed)
        rehearsed = draw.choice(len(earlier), min(len(latest), len(earlier)), replace=False)
        rows = np.concatenate([np.sort(rehearsed), len(earlier) + np.arange(len(latest))])
        once = settings.model_copy(
            update={
                "epochs": 1.0,
                "learning_rate": settings.learning_rate * settings.refresh_rate,
                "head_learning_rate": settings.head_learning_rate * settings.refresh_rate,
            }
        )
        with step("learning from the latest tickets"):
            self._train(self._examples(earlier.followed_by(latest), rows), once, folder, "latest tickets")

    def export(self, folder: Path, sample: Corpus) -> tuple[EncoderRuntime, float]:
        """Write tokenizer and encoder; return what runs them, and its largest difference on the sample."""
        self._encoder.tokenizer.no_truncation()
        self._encoder.tokenizer.no_padding()
        self._encoder.tokenizer.save(str(folder / artifact.TOKENIZER))
        self._classifier.cpu()
        network = self._encoder.network
        export_encoder(network, folder / artifact.ENCODER)
        runtime = EncoderRuntime.load(
            folder / artifact.ENCODER,
            folder / artifact.TOKENIZER,
            max_tokens=self.max_tokens,
            pad_id=self.pad_id,
            threads=self._settings.threads,
        )
        texts = sample.texts[:: max(1, len(sample) // _CHECKED_TEXTS)]
        return runtime, check_export(network, runtime, runtime.tokenize(texts), self.pad_id)

    def snapshot(self, sample: Corpus, work: Path) -> tuple[EncoderRuntime, HeadWeights]:
        """Return encoder and head as they are now, to be used while the training goes on.

        For a moment there is a file in `work`.
        """
        with TemporaryDirectory(dir=work) as folder:
            runtime, _ = self.export(Path(folder), sample)
        return runtime, self.head_weights()

    def head_weights(self) -> HeadWeights:
        """Return what the head learned."""
        return self._classifier.head_weights()

    def _train(self, examples: Examples, settings: TrainingSettings, folder: Path, name: str) -> None:
        duties = [self._catalog.families[family].duty for family in self._layout.families]
        fine_tune(
            self._classifier,
            examples,
            pad_id=self.pad_id,
            duty_ids=self._token_ids(duties),
            settings=settings,
            folder=folder,
            name=name,
        )

    def _examples(self, corpus: Corpus, rows: IntArray) -> Examples:
        """Return the tickets at `rows`; places are learned of all, for each fold without its own tickets."""
        layout = self._layout
        places = [layout.jurisdictions[i] for i in layout.jurisdiction_of[corpus.labels]]
        evidence = out_of_fold_evidence(corpus.inputs, places, self._catalog.gazetteer, layout.jurisdictions)
        texts = corpus.texts
        return Examples(
            self._token_ids([texts[row] for row in rows]),
            evidence[rows],
            (len(layout.jurisdictions), len(FEATURES)),
            corpus.labels[rows],
        )

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        tokenizer = self._encoder.tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
