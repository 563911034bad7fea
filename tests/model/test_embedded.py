from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from model import embedded
from model.embedded import build_embedded_encoder
from model.encoder import LoadedEncoder, load_encoder
from model.errors import EncoderError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(embedded.SOURCE_PACKAGE) is None, reason="the training extra is not installed"
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_embedded_encoder(tmp_path_factory.mktemp("embedded") / "encoder")


@pytest.fixture(scope="session")
def encoder(built: Path) -> LoadedEncoder:
    return load_encoder(str(built))


def _vector(encoder: LoadedEncoder, text: str) -> torch.Tensor:
    ids = torch.tensor([encoder.tokenizer.encode(text).ids])
    with torch.no_grad():
        return encoder.network.eval()(ids, torch.ones_like(ids))[0]


def test_it_is_an_ordinary_checkpoint(encoder: LoadedEncoder) -> None:
    assert len(encoder.network.bert.encoder.layer) == 12
    assert encoder.hidden_size == 384
    assert (
        encoder.network.bert.embeddings.word_embeddings.num_embeddings == encoder.tokenizer.get_vocab_size()
    )
    assert encoder.pad_id == 1


def test_like_meanings_lie_near(encoder: LoadedEncoder) -> None:
    water = _vector(encoder, "小区停水三天了，居民没水用")
    same = _vector(encoder, "我家自来水管没有水出来，什么时候恢复供应")
    other = _vector(encoder, "公交车晚点，等了一个小时也没有来")
    near = torch.cosine_similarity(water, same, dim=0)
    assert near > torch.cosine_similarity(water, other, dim=0) + 0.02


def test_chinese_text_has_no_unknown_pieces(encoder: LoadedEncoder) -> None:
    tokens = encoder.tokenizer.encode("市民来电反映：龙华区海垦街道12号路灯不亮，请核实处理。APP、5G").tokens
    assert tokens[0] == "<s>"
    assert tokens[-1] == "</s>"
    assert "<unk>" not in tokens


def test_words_are_pieces(encoder: LoadedEncoder) -> None:
    assert len(encoder.tokenizer.encode("市民投诉公交公司服务态度").ids) < 12


def test_a_second_build_does_nothing(built: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in built.iterdir()}
    assert build_embedded_encoder(built) == built
    assert {path.name: path.stat().st_mtime_ns for path in built.iterdir()} == before
    assert [path.name for path in built.parent.iterdir()] == [built.name]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(EncoderError, match="holds other files") as raised:
        build_embedded_encoder(tmp_path)
    assert raised.value.where == str(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_layers_it_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="13 layers.*expected 1 to 12"):
        build_embedded_encoder(tmp_path / "encoder", layers=13)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_version_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SOURCE_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="has sha256"):
        build_embedded_encoder(tmp_path / "encoder")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SOURCE_PACKAGE", "no_such_package")
    with pytest.raises(EncoderError, match="no_such_package.*not installed"):
        build_embedded_encoder(tmp_path / "encoder")


def test_embedded_is_built_into_the_cache(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAIDAN_CACHE", str(tmp_path))
    (tmp_path / "embedded").symlink_to(built)
    assert len(load_encoder("embedded", layers=2).network.bert.encoder.layer) == 2
