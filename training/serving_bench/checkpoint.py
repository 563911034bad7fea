"""The artifact's encoder as peers load it: Hugging Face folders, without and with a linear head."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from model import artifact
from model.encoder import load_encoder
from model.layout import UnitLayout
from training.serving_bench.systems import CLASSIFIER, ENCODER

_TOKENIZER_CONFIG = "tokenizer_config.json"


def write_checkpoints(source: Path, output: Path) -> None:
    """Write the encoder and tokenizer of an artifact, alone and with a linear head for its units.

    They have the layers and weights that the training of the artifact began with, and the head is not
    trained: what they answer means nothing, but it costs what a trained one would.
    """
    manifest = artifact.read_manifest(source)
    settings = manifest.settings
    encoder = load_encoder(settings["encoder"], layers=settings["layers"], pooling=settings["pooling"])
    bert: Any = encoder.network.bert  # transformers' own type, which torch hides
    bert.save_pretrained(output / ENCODER)
    bert.config.num_labels = len(UnitLayout.load(source / artifact.LAYOUT).units)
    torch.manual_seed(settings["seed"])
    classifier = BertForSequenceClassification(bert.config)
    classifier.bert.load_state_dict(bert.state_dict(), strict=False)  # all but the pooler
    classifier.save_pretrained(output / CLASSIFIER)

    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(source / artifact.TOKENIZER),
        pad_token=encoder.tokenizer.id_to_token(manifest.encoder["pad_id"]),
        model_max_length=manifest.encoder["max_tokens"],
    )
    for folder in (output / ENCODER, output / CLASSIFIER):
        tokenizer.save_pretrained(folder)
        # The name that older releases of transformers, which some peers need, know it by.
        path = folder / _TOKENIZER_CONFIG
        named = json.loads(path.read_text("utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}
        path.write_text(json.dumps(named, ensure_ascii=False, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write_checkpoints(*map(Path, sys.argv[1:3]))
