from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from model.encoder import load_encoder, pool
from model.errors import EncoderError


def test_a_local_checkpoint_gives_one_vector_a_text(tiny_checkpoint: Path) -> None:
    loaded = load_encoder(str(tiny_checkpoint))
    ids = torch.tensor([loaded.tokenizer.encode("小区停水").ids, loaded.tokenizer.encode("公交晚点").ids])
    vectors = loaded.network.eval()(ids, torch.ones_like(ids))
    assert vectors.shape == (2, loaded.hidden_size) == (2, 32)
    assert loaded.pad_id == 0
    assert loaded.max_positions == 128


def test_only_the_first_layers_are_kept(tiny_checkpoint: Path) -> None:
    assert len(load_encoder(str(tiny_checkpoint), layers=1).network.bert.encoder.layer) == 1


@pytest.mark.parametrize("layers", [0, 3])
def test_layers_the_checkpoint_does_not_have_are_refused(tiny_checkpoint: Path, layers: int) -> None:
    with pytest.raises(EncoderError, match=f"{layers} layers.*expected 1 to 2"):
        load_encoder(str(tiny_checkpoint), layers=layers)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no such folder") as raised:
        load_encoder(str(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in (raised.value.where or "")


def test_a_folder_without_weights_is_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (tmp_path / "copy" / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="holds no weights"):
        load_encoder(str(tmp_path / "copy"))


def test_a_folder_without_a_config_is_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (tmp_path / "copy" / "config.json").unlink()
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_encoder(str(tmp_path / "copy"))


def test_damaged_weights_are_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_encoder(str(tmp_path / "copy"))


def test_an_unknown_pooling_is_refused(tiny_checkpoint: Path) -> None:
    with pytest.raises(EncoderError, match="pooling 'max'.*expected mean or cls"):
        load_encoder(str(tiny_checkpoint), pooling="max")


def test_mean_pooling_ignores_padding() -> None:
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, -100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(hidden, mask, "mean").tolist() == [[2.0, 4.0]]


def test_cls_pooling_takes_the_first_token() -> None:
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0]]])
    assert pool(hidden, torch.tensor([[1, 1]]), "cls").tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_does_not_move_a_text_vector(tiny_checkpoint: Path, pooling: str) -> None:
    loaded = load_encoder(str(tiny_checkpoint), pooling=pooling)
    network = loaded.network.eval()
    ids = loaded.tokenizer.encode("小区停水").ids
    alone = network(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64))
    padded = torch.tensor([ids + [loaded.pad_id] * 7])
    mask = torch.tensor([[1] * len(ids) + [0] * 7])
    assert torch.allclose(network(padded, mask), alone, atol=1e-5)
