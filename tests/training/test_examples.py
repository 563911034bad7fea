from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from training.examples import BatchCollator, Examples, LengthGroupedSampler, pad

LENGTHS = np.random.default_rng(0).integers(5, 120, 1003).tolist()


def _order(epoch: int, *, seed: int = 7, batch_size: int = 16) -> list[int]:
    sampler = LengthGroupedSampler(LENGTHS, batch_size, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_seed_and_epoch_alone_decide_the_order() -> None:
    torch.manual_seed(1)
    first = _order(3)
    torch.manual_seed(2)  # whatever else was drawn meanwhile
    assert _order(3) == first


def test_another_epoch_has_another_order() -> None:
    assert _order(0) != _order(1)


def test_another_seed_has_another_order() -> None:
    assert _order(0) != _order(0, seed=8)


def test_an_epoch_chosen_later_has_the_same_order_as_one_reached() -> None:
    reached = LengthGroupedSampler(LENGTHS, 16, 7)
    for epoch in range(3):
        reached.set_epoch(epoch)
        order = list(reached)
    assert order == _order(2)


@pytest.mark.parametrize("batch_size", [1, 16, 2000])
def test_every_index_comes_once(batch_size: int) -> None:
    assert sorted(_order(0, batch_size=batch_size)) == list(range(len(LENGTHS)))
    assert len(LengthGroupedSampler(LENGTHS, batch_size, 7)) == len(LENGTHS)


def test_a_batch_holds_texts_of_like_length() -> None:
    order = _order(0)
    spreads = [np.ptp([LENGTHS[i] for i in order[at : at + 16]]) for at in range(0, len(order) - 16, 16)]
    assert np.mean(spreads) < 8  # of lengths from 5 to 120; without grouping it is about 100


def test_batches_do_not_come_by_length() -> None:
    order = _order(0)
    means = [np.mean([LENGTHS[i] for i in order[at : at + 16]]) for at in range(0, len(order) - 16, 16)]
    rises = sum(b > a for a, b in pairwise(means))
    assert 0.3 < rises / len(means) < 0.7


def test_padding_is_masked() -> None:
    ids, mask = pad([[5, 6, 7], [8]], 1)
    assert ids.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_batch_holds_the_rows_asked_for() -> None:
    evidence = np.arange(12, dtype=np.float32).reshape(3, 4)
    examples = Examples([[5, 6], [7], [8, 9]], csr_matrix(evidence), (2, 2), np.array([4, 5, 6]))
    assert [examples[i] for i in range(len(examples))] == [0, 1, 2]
    batch = BatchCollator(examples, pad_id=0)([2, 1])
    assert batch["input_ids"].tolist() == [[8, 9], [7, 0]]
    assert batch["labels"].tolist() == [6, 5]
    assert batch["evidence"].numpy().tolist() == evidence[[2, 1]].reshape(2, 2, 2).tolist()
