"""The encoder as a serving process runs it: ONNX Runtime, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model.errors import ArtifactError

FloatArray = NDArray[np.float32]

_TOKENS_PER_RUN = 2048  # enough to keep two cores' matrix units busy, small enough to stay in cache


class EncoderRuntime:
    """Text to vectors. Safe to call from several threads."""

    def __init__(
        self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, *, max_tokens: int, pad_id: int
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self.max_tokens = max_tokens
        self.hidden_size: int = session.get_outputs()[0].shape[1]

    @classmethod
    def load(
        cls, model: Path, tokenizer: Path, *, max_tokens: int, pad_id: int, threads: int | None = None
    ) -> EncoderRuntime:
        """Open an exported encoder; `threads` limits the cores one call uses."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            loaded = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise ArtifactError(
                f"cannot be opened ({type(error).__name__})",
                where=model.name,
                fix="Train or copy the artifact again.",
            ) from error
        loaded.no_padding()
        loaded.enable_truncation(max_tokens)
        return cls(session, loaded, max_tokens=max_tokens, pad_id=pad_id)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, at most `max_tokens` of them."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def is_truncated(self, text: str) -> bool:
        """Tell whether the encoder reads only the beginning of a text."""
        return bool(self._tokenizer.encode(text).overflowing)

    def encode(self, token_ids: Sequence[Sequence[int]]) -> FloatArray:
        """Return text vectors [N, D], in order.

        Texts of like length run together: padding costs as much as text.
        """
        vectors = np.empty((len(token_ids), self.hidden_size), dtype=np.float32)
        order = sorted(range(len(token_ids)), key=lambda i: len(token_ids[i]))
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and len(token_ids[order[stop]]) * (stop + 1 - start) <= _TOKENS_PER_RUN:
                stop += 1
            rows = order[start:stop]
            vectors[rows] = self._run([token_ids[i] for i in rows])
            start = stop
        return vectors

    def _run(self, batch: list[Sequence[int]]) -> FloatArray:
        width = max(len(ids) for ids in batch)
        ids = np.full((len(batch), width), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        result: FloatArray = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return result
