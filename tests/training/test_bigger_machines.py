"""Training in several processes, and with checkpoints that split words into pieces."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.catalog.folder import save_catalog
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model import artifact
from model.dispatcher import Dispatcher
from model.encoder import load_encoder
from model.head import HeadWeights
from training.errors import TrainingError
from training.processes import batch_share
from training.settings import load_settings

CONFIGS = Path(str(files("configs")))
TICKETS = 160
WORDS = {"城管": "摊贩占道油烟垃圾违章", "水务": "自来水停水管漏压"}


@pytest.fixture(scope="module")
def wordpiece_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny BERT with the tokenizer of bert-base-chinese and a small vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("wordpiece")
    characters = sorted(set("".join(WORDS.values()) + "反映小区门口东湖，。0123456789abcdefghij"))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, "wi", "##fi", "##g", "##1", "##2"]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(pieces) + "\n", "utf-8")
    BertTokenizerFast(str(vocabulary), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(pieces),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, wordpiece_checkpoint: Path) -> Path:
    """Return a folder with tickets, a catalog and settings."""
    folder = tmp_path_factory.mktemp("two")
    gazetteer = Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY)])
    kind = DepartmentKind.CITY_DEPARTMENT
    catalog = Catalog.from_entries(
        city="山海市",
        gazetteer=gazetteer,
        departments=[Department(name, f"{name}局", kind, name, "c") for name in WORDS],
        families=[Family(name, words) for name, words in WORDS.items()],
    )
    save_catalog(catalog, folder / "catalog")
    draw = random.Random(1)
    moment = datetime(2026, 1, 1)
    with (folder / "tickets.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(TICKETS):
            unit = draw.choice(list(WORDS))
            text = f"反映小区门口{''.join(draw.choices(WORDS[unit], k=8))}"
            line = {"ticket_id": str(number), "text": text, "department": unit}
            line["created_at"] = (moment + timedelta(hours=number)).isoformat()
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
    settings = {
        "encoder": str(wordpiece_checkpoint),
        "layers": None,
        "max_tokens": 16,
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 1.0e-3,
        "checkpoint_steps": 5,
        "calibration_share": 0.2,
        "threads": 1,
        # Processes draw what they drop out each for themselves; without it, two learn what one does.
        "encoder_dropout": 0.0,
        "dropout": 0.0,
        "duty_dropout": 0.0,
    }
    (folder / "train.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    return folder


def _train(city: Path, *launcher: str) -> tuple[Path, str]:
    paidan = Path(sys.executable).with_name("paidan")
    output = city / ("two" if launcher else "one")
    arguments = [
        *("train", "--tickets", city / "tickets.jsonl", "--catalog", city / "catalog"),
        *("--config", city / "train.yaml", "--output", output),
    ]
    done = subprocess.run(
        [sys.executable, *launcher, str(paidan), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )
    assert done.returncode == 0, done.stderr
    return output, done.stderr


@pytest.fixture(scope="module")
def alone(city: Path) -> Path:
    return _train(city)[0]


def test_two_processes_train_one_artifact(city: Path, alone: Path) -> None:
    config = CONFIGS / "accelerate" / "two_cpu_processes.yaml"
    output, said = _train(city, "-m", "accelerate.commands.launch", "--config_file", str(config))
    manifest = artifact.open_artifact(output)
    assert manifest.data["training_tickets"] + manifest.data["calibration_tickets"] == TICKETS
    assert said.count("reading tickets ...") == 1  # the second process is silent
    assert "of 16" in said  # 128 tickets, 16 a step for both together, two epochs
    assert not list(city.glob(".two*"))
    learned, by_one = (HeadWeights.load(folder / artifact.HEAD) for folder in (output, alone))
    np.testing.assert_allclose(learned.bias, by_one.bias, atol=1e-4)
    np.testing.assert_allclose(learned.duty, by_one.duty, atol=1e-3)
    ticket = Ticket("1", f"反映小区门口{WORDS['水务']}")
    assert Dispatcher.load(output, threads=1).score([ticket])[0].candidates[0].department.code == "水务"


@pytest.mark.parametrize(
    "text", ["反映小区门口摊贩，占道。", "WiFi坏了wifig", "没有见过的字㐀", "反映" * 40, "12 21 a1b2"]
)
def test_pieces_are_the_same_at_serving_as_in_training(
    alone: Path, wordpiece_checkpoint: Path, text: str
) -> None:
    tokenizer = load_encoder(str(wordpiece_checkpoint)).tokenizer
    tokenizer.no_padding()
    tokenizer.enable_truncation(16)
    served = Dispatcher.load(alone, threads=1).experts.runtime.tokenize([text])
    assert served == [tokenizer.encode(text).ids]
    assert (served[0][0], served[0][-1]) == (2, 3)  # [CLS] and [SEP], also of a text that is cut


def test_pieces_are_those_of_the_checkpoints_own_tokenizer(alone: Path, wordpiece_checkpoint: Path) -> None:
    from transformers import AutoTokenizer

    text = "反映小区门口wifi坏了"
    expected = AutoTokenizer.from_pretrained(wordpiece_checkpoint)(text)["input_ids"]
    assert Dispatcher.load(alone, threads=1).experts.runtime.tokenize([text]) == [expected]


def test_a_wordpiece_model_serves(alone: Path) -> None:
    dispatcher = Dispatcher.load(alone, threads=1)
    for unit, words in WORDS.items():
        (decision,) = dispatcher.score([Ticket("1", f"反映小区门口{words}")])
        assert decision.candidates[0].department.code == unit


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(TrainingError, match="batches of 32 for 3 processes"):
        batch_share(32)


@pytest.mark.parametrize("path", sorted((CONFIGS / "train").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_training_settings_are_valid(path: Path) -> None:
    assert load_settings(path)
