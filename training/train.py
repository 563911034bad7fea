"""From past tickets and a catalog to an artifact."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from data.catalog.catalog import Catalog
from data.catalog.folder import save_catalog
from data.tickets.columns import ColumnMapping
from data.tickets.reading import read_tickets
from model import artifact
from model.experts import Experts
from model.head import CatalogHead, HeadWeights
from model.jurisdiction import PlaceResolver
from model.layout import UnitLayout
from model.lexical import LexicalExpert
from model.place_evidence import PlaceEvidence
from model.place_names import LearnedPlaces
from model.runtime import EncoderRuntime
from model.segment import Segmenter, catalog_words
from training.calibrate import Calibrated, calibrate
from training.checkpoints import checkpoint_folder, checkpoints_of
from training.corpus import Corpus
from training.disk import is_full_disk
from training.encoder_training import EncoderTraining
from training.errors import TrainingError
from training.export import export_int8
from training.processes import is_first, wait_for_all
from training.progress import say, step
from training.settings import TrainingSettings

_LEAST_TICKETS = 100
_REFRESH = "refresh"
_SOFTWARE = ("paidan", "torch", "transformers", "onnxruntime", "tokenizers", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train on, how, and where the artifact goes. `until` leaves out later tickets.

    `city_columns` is the mapping of the city's own files, which the artifact hands on: other than `columns`
    when the tickets were put into a file of our own names.
    """

    tickets: Path
    columns: ColumnMapping
    catalog: Catalog
    settings: TrainingSettings
    output: Path
    until: date | None = None
    city_columns: ColumnMapping | None = None


def train(request: TrainingRequest) -> Path:
    """Train an artifact and return its folder.

    Checkpoints lie beside the output until it is complete: the same call after an interruption goes on
    from there and ends with the same weights. What was at the output before stays until then.

    Raises:
        TrainingError: too few usable tickets, or no room on the disk.
        PaidanError: whatever is wrong with the tickets, the columns or the encoder.
    """
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if request.settings.threads is not None:
        torch.set_num_threads(request.settings.threads)
    try:
        return _train(request)
    except (OSError, RuntimeError, SafetensorError) as error:
        if not is_full_disk(error, request.output.parent):
            raise
        raise TrainingError(
            "no space left on the disk",
            where=str(request.output.parent),
            expected="about 2 GB for checkpoints and the artifact",
            fix="Free some space and run the same command again: it goes on from the last checkpoint.",
        ) from error


def _train(request: TrainingRequest) -> Path:
    settings, catalog = request.settings, request.catalog
    with step("reading tickets"):
        file = read_tickets(request.tickets, request.columns, catalog=catalog, labelled=True)
        layout = UnitLayout.from_catalog(catalog)
        corpus = Corpus.from_dataset(file.dataset, layout.units)
        if request.until is not None:
            corpus = corpus.before(request.until)
    if len(corpus) < _LEAST_TICKETS:
        raise TrainingError(
            f"only {len(corpus)} usable tickets" + (f" up to {request.until}" if request.until else ""),
            where=str(request.tickets),
            expected=f"at least {_LEAST_TICKETS}",
            fix="`paidan tickets check` says why rows are not used.",
        )
    earlier, latest = corpus.cut_latest(settings.calibration_share)
    say(
        f"{len(earlier)} tickets to train on, the latest {len(latest)} to calibrate on, "
        f"{len(layout.units)} units"
    )

    identity = {
        "settings": settings.model_dump(),
        "data": file.summary.content_hash,
        "catalog": catalog.content_hash,
        "until": str(request.until),
    }
    if is_first():
        checkpoint_folder(request.output, identity)
    wait_for_all()
    encoder = EncoderTraining(catalog, layout, settings)
    work = checkpoints_of(request.output)
    encoder.fit(earlier, work)
    # Several processes learn together, so the one that calibrates does that when the others are done.
    with step("keeping the encoder for the calibration"):
        before = encoder.snapshot(latest, work) if is_first() else None
    encoder.refresh(earlier, latest, work / _REFRESH)
    if before is None:
        return request.output
    segmenter = Segmenter(catalog_words(catalog))
    with step("calibrating"):
        calibrated = _calibrate(*before, earlier, latest, layout, segmenter, request)
    with artifact.new_artifact(request.output) as folder:
        # Weights, curve and thresholds stay: they were found on tickets that no expert had seen.
        with step("exporting"):
            _, difference = encoder.export(folder, latest)
            if settings.int8_encoder:
                export_int8(folder / artifact.ENCODER, folder / artifact.ENCODER_INT8)
        with step("refitting the cheap experts on all tickets"):
            _learn_places(corpus, catalog, layout).save(folder / artifact.PLACES)
            _fit_lexical(corpus, layout, segmenter, settings).save(folder / artifact.LEXICAL)

        encoder.head_weights().save(folder / artifact.HEAD)
        layout.save(folder / artifact.LAYOUT)
        calibrated.save(folder)
        save_catalog(catalog, folder / artifact.CATALOG)
        days = [day for day in corpus.dates if day is not None]
        artifact.write_manifest(
            folder,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            encoder={
                "name": settings.encoder,
                "max_tokens": encoder.max_tokens,
                "pad_id": encoder.pad_id,
            },
            columns=(request.city_columns or request.columns).to_dict(),
            data={
                "tickets_sha256": artifact.file_sha256(request.tickets),
                "until": request.until.isoformat() if request.until else None,
                "first_day": min(days).date().isoformat() if days else None,
                "last_day": max(days).date().isoformat() if days else None,
                "training_tickets": len(earlier),
                "calibration_tickets": len(latest),
                "reading": file.summary.to_dict(),
            },
            settings=settings.model_dump(),
            metrics=calibrated.metrics() | {"onnx_difference": difference},
            software={"python": platform.python_version()} | {name: version(name) for name in _SOFTWARE},
        )
    shutil.rmtree(work, ignore_errors=True)
    return request.output


def _calibrate(
    runtime: EncoderRuntime,
    weights: HeadWeights,
    earlier: Corpus,
    latest: Corpus,
    layout: UnitLayout,
    segmenter: Segmenter,
    request: TrainingRequest,
) -> Calibrated:
    """Find on the latest tickets what comes after experts that know the earlier ones alone."""
    gazetteer = request.catalog.gazetteer
    lexical = _fit_lexical(earlier, layout, segmenter, request.settings)
    learned = _learn_places(earlier, request.catalog, layout)
    places = PlaceEvidence(PlaceResolver(gazetteer, learned), layout.jurisdictions)
    experts = Experts(runtime, CatalogHead(layout, weights), places, lexical)
    return calibrate(experts, latest, layout, request.settings)


def _jurisdictions(corpus: Corpus, layout: UnitLayout) -> list[str]:
    return [layout.jurisdictions[i] for i in layout.jurisdiction_of[corpus.labels]]


def _learn_places(corpus: Corpus, catalog: Catalog, layout: UnitLayout) -> LearnedPlaces:
    texts = [item.normalised.text for item in corpus.inputs]
    return LearnedPlaces.fit(texts, _jurisdictions(corpus, layout), catalog.gazetteer)


def _fit_lexical(
    corpus: Corpus, layout: UnitLayout, segmenter: Segmenter, settings: TrainingSettings
) -> LexicalExpert:
    return LexicalExpert.fit(corpus.texts, corpus.labels, len(layout.units), segmenter, c=settings.lexical_c)
