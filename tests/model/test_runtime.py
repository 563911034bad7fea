from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from model.encoder import LoadedEncoder, load_encoder
from model.errors import ArtifactError
from model.runtime import EncoderRuntime, cheapest_runs
from training.errors import TrainingError
from training.export import TOLERANCE, check_export, export_encoder

TEXTS = ["小区停水三天请尽快处理" * 3, "停水", "公交站牌损坏，线路改了没有通知", "路灯不亮", "垃圾堆满" * 20]


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint: Path) -> LoadedEncoder:
    return load_encoder(str(tiny_checkpoint))


@pytest.fixture(scope="module")
def exported(encoder: LoadedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_encoder(encoder.network, folder / "encoder.onnx")
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _load(folder: Path, max_tokens: int = 64, *, threads: int = 1, shared: bool = False) -> EncoderRuntime:
    return EncoderRuntime.load(
        folder / "encoder.onnx",
        folder / "tokenizer.json",
        max_tokens=max_tokens,
        pad_id=0,
        threads=threads,
        shared=shared,
    )


def _by_torch(encoder: LoadedEncoder, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return encoder.network.eval()(
            torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64)
        ).numpy()[0]


def test_texts_of_mixed_lengths_come_back_in_order_and_equal_torch(
    encoder: LoadedEncoder, exported: Path
) -> None:
    runtime = _load(exported)
    ids = runtime.tokenize(TEXTS)
    vectors = runtime.encode(ids)
    assert vectors.shape == (len(TEXTS), runtime.hidden_size) == (5, 32)
    for row, tokens in zip(vectors, ids, strict=True):
        assert np.allclose(row, _by_torch(encoder, tokens), atol=TOLERANCE)


def test_more_texts_than_one_run_takes_keep_their_order(exported: Path) -> None:
    runtime = _load(exported)
    ids = runtime.tokenize(TEXTS)
    many = runtime.encode(ids * 40)  # several runs of 2048 tokens
    assert np.allclose(many.reshape(40, 5, -1), runtime.encode(ids), atol=1e-5)


def test_one_text_alone_gives_the_same_as_in_a_batch(exported: Path) -> None:
    runtime = _load(exported)
    ids = runtime.tokenize(TEXTS)
    assert np.allclose(runtime.encode(ids[1:2])[0], runtime.encode(ids)[1], atol=1e-5)


def test_no_texts_give_no_vectors(exported: Path) -> None:
    assert _load(exported).encode([]).shape == (0, 32)


def test_texts_are_cut_at_max_tokens(exported: Path) -> None:
    runtime = _load(exported, max_tokens=16)
    assert [len(ids) for ids in runtime.tokenize(["停水", "停" * 100])] == [4, 16]
    assert runtime.is_truncated("停" * 100)
    assert not runtime.is_truncated("停水")


def test_a_damaged_export_is_named(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"not onnx")
    with pytest.raises(ArtifactError) as raised:
        EncoderRuntime.load(tmp_path / "encoder.onnx", exported / "tokenizer.json", max_tokens=8, pad_id=0)
    assert raised.value.where == "encoder.onnx"


def test_an_export_of_the_same_weights_passes_the_check(encoder: LoadedEncoder, exported: Path) -> None:
    runtime = _load(exported)
    assert check_export(encoder.network, runtime, runtime.tokenize(TEXTS), 0) <= TOLERANCE


def test_an_export_of_other_weights_fails_the_check(tiny_checkpoint: Path, exported: Path) -> None:
    other = load_encoder(str(tiny_checkpoint), layers=1)
    runtime = _load(exported)
    with pytest.raises(TrainingError, match="differs"):
        check_export(other.network, runtime, runtime.tokenize(TEXTS), 0)


def _padded(lengths: list[int], ends: list[int]) -> int:
    starts = [0, *ends[:-1]]
    return sum(lengths[stop - 1] * (stop - start) for start, stop in zip(starts, ends, strict=True))


def test_texts_of_unlike_length_run_apart_and_those_of_like_length_together() -> None:
    assert cheapest_runs([20, 21, 22, 120, 121]) == [3, 5]
    assert cheapest_runs([30] * 16) == [16]


def test_padding_costs_little_however_lengths_are_mixed() -> None:
    lengths = sorted(5 + (37 * i) % 120 for i in range(16))
    assert _padded(lengths, cheapest_runs(lengths)) < 1.25 * sum(lengths)


def test_a_run_holds_a_limited_number_of_tokens() -> None:
    assert cheapest_runs([512] * 9) == [1, 5, 9]
    assert cheapest_runs([]) == []


def test_every_text_is_in_one_run() -> None:
    ends = cheapest_runs([1] * 200)
    assert ends[-1] == 200
    assert all(stop - start <= 64 for start, stop in zip([0, *ends], ends, strict=False))


def test_calls_side_by_side_give_what_calls_in_turn_give(exported: Path) -> None:
    shared = _load(exported, threads=3, shared=True)
    assert shared.side_by_side == 3
    ids = shared.tokenize(TEXTS)
    expected = _load(exported).encode(ids)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(lambda _: shared.encode(ids), range(64)):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_no_more_calls_run_at_a_time_than_there_are_cores(exported: Path) -> None:
    at_a_time = []
    shared = _load(exported, threads=2, shared=True)
    run = shared._run

    def watched(session: object, batch: list) -> np.ndarray:
        at_a_time.append(shared._running)
        return run(session, batch)

    shared._run = watched  # type: ignore[method-assign,assignment]
    ids = shared.tokenize(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: shared.encode(ids), range(40)))
    assert max(at_a_time) <= 2
    assert shared._running == 0


def test_alone_on_its_cores_calls_take_turns(exported: Path) -> None:
    assert _load(exported).side_by_side == 1
