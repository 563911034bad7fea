"""The encoder as a serving process runs it: ONNX Runtime, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from threading import Lock, Semaphore

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model.errors import ArtifactError
from model.machine import available_cores

FloatArray = NDArray[np.float32]

_TOKENS_PER_RUN = 2048  # enough to keep two cores' matrix units busy, small enough to stay in cache
_ROWS_PER_RUN = 64
_TOKENS_A_RUN_COSTS = 16  # measured: a run takes as long as so many tokens more, whatever it holds


class Precision(StrEnum):
    """What the encoder's matrices hold."""

    FP32 = "fp32"
    INT8 = "int8"  # written by a training that was asked to; how much faster depends on the processor


class EncoderRuntime:
    """Text to vectors. Safe to call from several threads.

    With `open_narrow` up to `cores` calls run side by side: one that finds nobody else has all cores, the
    others have one each. A core of one's own for a batch is worth more than all of them for half the time,
    since the threads of one run wait for each other. Without it calls take turns.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        tokenizer: Tokenizer,
        *,
        max_tokens: int,
        pad_id: int,
        cores: int = 1,
        open_narrow: Callable[[], onnxruntime.InferenceSession] | None = None,
    ) -> None:
        self._wide = session
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._open_narrow = open_narrow
        self._narrow: onnxruntime.InferenceSession | None = None
        self._lock = Lock()
        self._running = 0
        self.side_by_side = cores if open_narrow is not None else 1
        self._places = Semaphore(self.side_by_side)
        self.max_tokens = max_tokens
        self.hidden_size: int = session.get_outputs()[0].shape[1]

    @classmethod
    def load(
        cls,
        model: Path,
        tokenizer: Path,
        *,
        max_tokens: int,
        pad_id: int,
        threads: int | None = None,
        shared: bool = False,
    ) -> EncoderRuntime:
        """Open an exported encoder; `threads` limits the cores that it uses.

        `shared` says that others need the cores as well, as in a service: then idle threads do not spin, and
        calls run side by side.
        """
        cores = threads or available_cores()
        try:
            session = _open(model, threads=threads, spin=not shared)
            loaded = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise ArtifactError(
                f"cannot be opened ({type(error).__name__})",
                where=model.name,
                fix="Train or copy the artifact again.",
            ) from error
        loaded.no_padding()
        loaded.enable_truncation(max_tokens)
        return cls(
            session,
            loaded,
            max_tokens=max_tokens,
            pad_id=pad_id,
            cores=cores,
            open_narrow=partial(_open, model, threads=1, spin=False) if shared and cores > 1 else None,
        )

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
        with self._session() as session:
            for stop in cheapest_runs([len(token_ids[i]) for i in order]):
                rows = order[start:stop]
                vectors[rows] = self._run(session, [token_ids[i] for i in rows])
                start = stop
        return vectors

    @contextmanager
    def _session(self) -> Iterator[onnxruntime.InferenceSession]:
        """Give the session for a call, when it has its place."""
        with self._places:
            with self._lock:
                self._running += 1
                session = self._wide if self._running == 1 else self._narrow_session()
            try:
                yield session
            finally:
                with self._lock:
                    self._running -= 1

    def _narrow_session(self) -> onnxruntime.InferenceSession:
        if self._narrow is None:
            assert self._open_narrow is not None  # else there is one place only
            self._narrow = self._open_narrow()
        return self._narrow

    def _run(self, session: onnxruntime.InferenceSession, batch: list[Sequence[int]]) -> FloatArray:
        width = max(len(ids) for ids in batch)
        ids = np.full((len(batch), width), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        result: FloatArray = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return result


def _open(model: Path, *, threads: int | None, spin: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    if not spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def cheapest_runs(lengths: Sequence[int]) -> list[int]:
    """Return where to cut texts of ascending length into runs, as the ends of the runs.

    A run costs its longest text times its number of texts, and a fixed amount. A run holds at most
    _TOKENS_PER_RUN tokens and _ROWS_PER_RUN texts, or one text.
    """
    cost = [0]
    first_of = [0]
    for stop in range(1, len(lengths) + 1):
        width = lengths[stop - 1]
        least, best = cost[stop - 1] + width + _TOKENS_A_RUN_COSTS, stop - 1
        rows = min(stop, _ROWS_PER_RUN, _TOKENS_PER_RUN // max(width, 1))
        for start in range(stop - 2, stop - rows - 1, -1):
            total = cost[start] + width * (stop - start) + _TOKENS_A_RUN_COSTS
            if total <= least:
                least, best = total, start
        cost.append(least)
        first_of.append(best)
    ends: list[int] = []
    stop = len(lengths)
    while stop:
        ends.append(stop)
        stop = first_of[stop]
    return ends[::-1]
