import json
from pathlib import Path

import pytest
import yaml

from training.serving_bench import systems
from training.serving_bench.generator import NUMBER
from training.serving_bench.systems import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "model", tmp_path / "checkpoint", tmp_path, tmp_path / "logs", tmp_path / "peers")


def test_paidan_gets_the_settings_to_measure_and_a_database_of_its_own(place):
    command = systems.paidan(place, "Paidan", systems.PLAIN).command(4321)
    assert Path(command[0]).name == "paidan"
    settings = yaml.safe_load(Path(command[-1]).read_text("utf-8"))
    assert settings["artifact"] == str(place.artifact)
    assert (settings["port"], settings["cascade"], settings["cache_entries"]) == (4321, False, 0)
    assert str(place.work) in settings["database_url"]
    assert str(place.work) in settings["write_ahead_file"]


@pytest.mark.parametrize("make", [systems.fastapi_pipeline, systems.litserve, systems.infinity])
def test_peers_are_asked_about_the_text(place, make):
    assert "路灯不亮" in make(place).body("路灯不亮", "part")


def test_tickets_of_two_parts_have_different_ids(place):
    system = systems.paidan(place, "Paidan")
    ids = {json.loads(system.body("路灯不亮", part))["ticket_id"] for part in ("c1", "c32")}
    assert len(ids) == 2
    assert all(NUMBER in ticket for ticket in ids)


@pytest.mark.parametrize("make", [systems.fastapi_pipeline, systems.litserve])
def test_peers_load_the_classifier(place, make):
    assert make(place).environment["PEER_MODEL"] == str(place.checkpoint / systems.CLASSIFIER)
