"""Training examples: token ids, place evidence and label of each ticket, and how they form batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.utils.data import Dataset, Sampler

_BATCHES_SORTED_TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Examples(Dataset[int]):
    """Tickets as the classifier reads them.

    `token_ids` holds N lists of ids; `evidence` is sparse [N, J * E] with `evidence_shape` (J, E);
    `labels` is int64 [N]. An item is its own index: the collator makes whole batches at once.
    """

    token_ids: Sequence[Sequence[int]]
    evidence: csr_matrix
    evidence_shape: tuple[int, int]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> int:
        return index


def pad(token_ids: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask, both int64 [N, T], padded to the longest."""
    width = max(len(ids) for ids in token_ids)
    ids = torch.full((len(token_ids), width), pad_id, dtype=torch.int64)
    mask = torch.zeros((len(token_ids), width), dtype=torch.int64)
    for row, tokens in enumerate(token_ids):
        ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
        mask[row, : len(tokens)] = 1
    return ids, mask


@dataclass(frozen=True, slots=True)
class BatchCollator:
    """Turns example indices into the classifier's arguments."""

    examples: Examples
    pad_id: int

    def __call__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """Collate one batch."""
        rows = list(indices)
        ids, mask = pad([self.examples.token_ids[i] for i in rows], self.pad_id)
        evidence = self.examples.evidence[rows].toarray().reshape(len(rows), *self.examples.evidence_shape)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "evidence": torch.from_numpy(evidence.astype(np.float32)),
            "labels": torch.from_numpy(self.examples.labels[rows]),
        }


class LengthGroupedSampler(Sampler[int]):
    """Yields indices so that a batch holds texts of like length, in an order that the epoch alone decides.

    The sampler of transformers draws from torch's global generator and yields the batches of a group
    from long to short; this one is the same after a resume, and shuffles the batches.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self._seed, self._epoch))
        shuffled = generator.permutation(len(self._lengths))
        group = self._batch_size * _BATCHES_SORTED_TOGETHER
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(shuffled), group):
            members = shuffled[start : start + group]
            members = members[np.argsort(self._lengths[members], kind="stable")]
            batches.extend(
                members[i : i + self._batch_size] for i in range(0, len(members), self._batch_size)
            )
        # Only the last batch may be short, or the batches after it would be cut differently.
        short = [batch for batch in batches if len(batch) < self._batch_size]
        full = [batch for batch in batches if len(batch) == self._batch_size]
        generator.shuffle(full)
        return iter(np.concatenate([*full, *short]).tolist())
