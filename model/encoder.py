"""BERT encoders: a hub id, a local folder, or the embedded default."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from model.embedded import build_embedded_encoder
from model.errors import EncoderError

EMBEDDED = "embedded"
POOLINGS = ("mean", "cls")


def cache_folder() -> Path:
    """Return where the embedded encoder is kept: $PAIDAN_CACHE, else ~/.cache/paidan."""
    return Path(os.environ.get("PAIDAN_CACHE") or Path.home() / ".cache" / "paidan")


def pool(hidden: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Reduce token vectors [N, T, D] to text vectors [N, D] over the tokens with mask [N, T] set."""
    if pooling == "cls":
        return hidden[:, 0]
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1.0)


class TextEncoder(nn.Module):
    """A BERT with pooling: token ids to one vector a text."""

    def __init__(self, bert: nn.Module, pooling: str) -> None:
        super().__init__()
        self.bert = bert
        self.pooling = pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return text vectors [N, D] for token ids and mask, both int64 [N, T]."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return pool(hidden, attention_mask, self.pooling)


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """An encoder ready for training, with its tokenizer."""

    network: TextEncoder
    tokenizer: Tokenizer
    pad_id: int
    hidden_size: int
    max_positions: int


def _resolve(name: str) -> str:
    if name == EMBEDDED:
        return str(build_embedded_encoder(cache_folder() / "embedded"))
    path = Path(name).expanduser()
    if not path.is_dir():
        if path.is_absolute() or name.startswith("."):
            raise EncoderError(
                "no such folder", where=f"encoder: {name}", fix="Name a folder, a hub id or 'embedded'."
            )
        return name
    if not any(path.glob("*.safetensors")) and not (path / "pytorch_model.bin").exists():
        raise EncoderError(
            "the folder holds no weights",
            where=f"encoder: {name}",
            expected="model.safetensors beside config.json and tokenizer.json",
            fix="Copy the whole checkpoint folder, or build one with `paidan encoder build`.",
        )
    return str(path)


def load_encoder(
    name: str, *, layers: int | None = None, pooling: str = "mean", dropout: float = 0.0
) -> LoadedEncoder:
    """Load a BERT checkpoint.

    Args:
        name: a hub id (`hfl/chinese-macbert-base`), a local folder, or `embedded`.
        layers: keep only the first so many layers; None keeps all.
        pooling: `mean` over the tokens, or `cls` for the first one.
        dropout: of hidden states and attention, while it trains.

    Raises:
        EncoderError: no weights there, not a BERT, no fast tokenizer, or fewer layers than asked for.
    """
    if pooling not in POOLINGS:
        raise EncoderError(f"pooling {pooling!r}", where="pooling", expected=" or ".join(POOLINGS))
    source = _resolve(name)
    try:
        config = AutoConfig.from_pretrained(
            source, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True)
        extra = (
            {"add_pooling_layer": False} if config.model_type in {"bert", "roberta", "xlm-roberta"} else {}
        )
        bert = AutoModel.from_pretrained(source, config=config, dtype=torch.float32, **extra)
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderError(
            f"cannot be loaded ({type(error).__name__})",
            where=f"encoder: {name}",
            expected="a BERT checkpoint with config.json, tokenizer.json and model.safetensors",
            fix="Without a network, name a local folder or use 'embedded'.",
        ) from error
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise EncoderError(
                f"{layers} layers", where="layers", expected=f"1 to {config.num_hidden_layers}"
            )
        bert.encoder.layer = bert.encoder.layer[:layers]
        bert.config.num_hidden_layers = layers
    if tokenizer.pad_token_id is None:
        raise EncoderError("the tokenizer has no padding token", where=f"encoder: {name}")
    return LoadedEncoder(
        network=TextEncoder(bert, pooling),
        tokenizer=tokenizer.backend_tokenizer,
        pad_id=tokenizer.pad_token_id,
        hidden_size=config.hidden_size,
        max_positions=config.max_position_embeddings,
    )
