"""The real service, with a tiny artifact, under the benchmark's load."""

import json
from datetime import datetime, timedelta
from itertools import product

import pytest

from data.tickets.columns import ColumnMapping
from training.serving_bench import systems
from training.serving_bench.scenarios import throughput
from training.serving_bench.swap import swap_under_load
from training.serving_bench.systems import Place
from training.settings import load_settings
from training.train import TrainingRequest, train

UNITS = {"u1": "东湖区{}占道经营的摊贩很多", "u2": "西河区{}垃圾堆满没有清运", "u3": "{}自来水停供两天"}
OPENINGS = ["市民来电反映", "居民反映", "来电咨询"]
PLACES = ["人民路", "花园小区", "中学门口", "农贸市场旁边", "第一医院对面", "新城商场附近", "和平街"]
CLOSINGS = ["请尽快处理", "希望解决", "请核实", "要求答复", "影响生活"]

# Of two tickets that differ in digits alone one counts: so they differ in words.
TICKETS = [
    (unit, f"{opening}，{matter.format(place)}，{closing}。")
    for opening, place, closing in product(OPENINGS, PLACES, CLOSINGS)
    for unit, matter in UNITS.items()
]
LEARNED, TEXTS = TICKETS[:-40], [text for _, text in TICKETS[-40:]]


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_checkpoint, small_catalog):
    folder = tmp_path_factory.mktemp("bench")
    lines = [
        {
            "ticket_id": str(number),
            "text": text,
            "created_at": (datetime(2026, 1, 1) + timedelta(hours=number)).isoformat(),
            "department": unit,
        }
        for number, (unit, text) in enumerate(LEARNED)
    ]
    tickets = folder / "tickets.jsonl"
    tickets.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    settings = load_settings(
        None,
        encoder=str(tiny_checkpoint),
        layers=1,
        max_tokens=48,
        epochs=1,
        threads=1,
        calibration_share=0.2,
    )
    train(TrainingRequest(tickets, ColumnMapping.identity(), small_catalog, settings, folder / "artifact"))
    (folder / "logs").mkdir()
    return Place(folder / "artifact", folder / "checkpoint", folder, folder / "logs", folder / "peers")


def test_every_text_is_answered_by_the_service(place):
    system = systems.paidan(place, "Paidan", systems.PLAIN)
    with system.server() as server:
        got = throughput(system, server, TEXTS, TEXTS[:4], callers=4)
    assert (got.latencies.count, got.failed) == (len(TEXTS), 0)
    assert len(got.units) == len(TEXTS)
    assert set(got.units.values()) <= set(UNITS)
    assert got.encoded == 1.0
    assert got.rate > 0


def test_artifacts_are_swapped_under_load_without_a_bad_answer(place):
    got = swap_under_load(place, TEXTS, swaps=2)
    assert (got.swaps, got.failed, got.mixed) == (2, 0, 0)
    assert got.latencies.count > 0
