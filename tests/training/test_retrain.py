"""`paidan retrain` from end to end on an invented city, and kills at random moments."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
import torch
from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.catalog.folder import save_catalog
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.columns import ColumnMapping
from model import artifact
from model.registry import Registry
from training.quality.cli import app as quality
from training.quality.settings import load_quality_settings
from training.report.gates import load_gates
from training.retrain.pipeline import ARTIFACT, REGISTER, STEPS, registered_name, steps_of
from training.retrain.request import RetrainRequest
from training.retrain.steps import read_state, run_steps
from training.settings import load_settings
from training.train import TrainingRequest, train

OLD, NEW = 400, 300
KILLS = int(os.environ.get("PAIDAN_TEST_KILLS", "3"))  # the full form: 20


DISTRICTS = {"d1": "东湖区", "d2": "西河区"}
COMPLAINTS = {
    "城管": ["占道经营的摊贩很多", "烧烤摊油烟扰民", "垃圾堆满没有清运", "违章搭建一直不拆除"],
    "住建": ["物业不处理电梯损坏", "小区物业收费太高", "房屋漏水无人修", "工地夜间施工噪音大"],
}
PLACES = ["人民路", "花园小区", "中学门口", "农贸市场旁边", "第一医院对面", "新城商场附近", "和平街", "公园"]
OPENINGS = ["市民来电反映", "居民反映", "群众投诉", "来电咨询", "业主表示", "本人反映"]
CLOSINGS = ["请尽快处理", "希望解决", "请核实", "要求答复", "影响生活", "谢谢"]


def _catalog() -> Catalog:
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                *(
                    Jurisdiction(k, v, JurisdictionLevel.DISTRICT, "c", (v[:2],))
                    for k, v in DISTRICTS.items()
                ),
            ]
        ),
        departments=[
            Department(f"{family}-{code}", f"{name}{family}局", DepartmentKind.DISTRICT_BUREAU, family, code)
            for code, name in DISTRICTS.items()
            for family in COMPLAINTS
        ],
        families=[Family(name, "，".join(words)) for name, words in COMPLAINTS.items()],
    )


def _write(path: Path, prefix: str, count: int, start: datetime) -> None:
    draw = random.Random(prefix)
    lines: dict[str, dict[str, str]] = {}
    while len(lines) < count:
        family, (code, district) = draw.choice(list(COMPLAINTS)), draw.choice(list(DISTRICTS.items()))
        where = "".join(draw.sample(PLACES, 2))
        text = f"{draw.choice(OPENINGS)}，{district}{where}{draw.choice(COMPLAINTS[family])}，{draw.choice(CLOSINGS)}。"
        number = len(lines)
        lines.setdefault(
            text,
            {
                "ticket_id": f"{prefix}-{number}",
                "text": text,
                "created_at": (start + timedelta(hours=5 * number)).isoformat(),
                "department": f"{family}-{code}",
            },
        )
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines.values()))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[Path]:
    """Return a folder with old and new tickets, a catalog, settings and a champion."""
    folder = tmp_path_factory.mktemp("city")
    save_catalog(_catalog(), folder / "catalog")
    _write(folder / "old.jsonl", "old", OLD, datetime(2025, 1, 1))
    _write(folder / "new.jsonl", "new", NEW, datetime(2025, 6, 1))
    (folder / "quality.yaml").write_text("evaluation_share: 0.2\nfolds: 2\n", "utf-8")
    threads = torch.get_num_threads()
    settings = load_settings(
        encoder=str(tiny_checkpoint),
        layers=1,
        max_tokens=32,
        epochs=2,
        batch_size=16,
        checkpoint_steps=10,
        calibration_share=0.2,
        threads=1,
    )
    train(
        TrainingRequest(
            folder / "old.jsonl", ColumnMapping.identity(), _catalog(), settings, folder / "champion"
        )
    )
    yield folder
    torch.set_num_threads(threads)


def _request(city: Path, work: Path, **changes: object) -> RetrainRequest:
    champion = artifact.read_manifest(city / "champion")
    values: dict[str, object] = {
        "champion": city / "champion",
        "old": city / "old.jsonl",
        "new": [city / "new.jsonl"],
        "feedback": [],
        "catalog": _catalog(),
        "columns": ColumnMapping.from_dict(dict(champion.columns)),
        "new_columns": None,
        "settings": load_settings(None, base=champion.settings),
        "quality": load_quality_settings(city / "quality.yaml"),
        "gates": load_gates(),
        "work": work,
        "registry": work / "registry",
        "judge_labels": False,
    }
    return RetrainRequest(**values | changes)


@pytest.fixture(scope="module")
def retrained(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("retrained") / "work"
    run_steps(work, steps_of(_request(city, work)))
    return work


def test_every_step_leaves_its_folder(retrained: Path) -> None:
    assert {path.name for path in retrained.iterdir()} == {*STEPS, ".lock", "registry"}
    assert all(read_state(retrained / name) for name in STEPS)


def test_the_candidate_and_its_report_are_in_the_registry(retrained: Path) -> None:
    registry = Registry(retrained / "registry")
    name = registered_name(retrained / REGISTER)
    entry = registry.entry(name)
    assert entry.manifest.files == artifact.read_manifest(retrained / "train" / ARTIFACT).files
    assert {path.name for path in registry.reports(name).iterdir()} == {
        "report.html",
        "report.json",
        "answers.json",
        "comparison.json",
    }
    assert registry.current() is None


def test_training_and_measuring_are_apart_in_time(retrained: Path, city: Path) -> None:
    def days(name: str) -> list[str]:
        lines = (retrained / "split" / name).read_bytes().splitlines()
        return [orjson.loads(line)["created_at"][:10] for line in lines]

    first_measured = min(days("evaluation.jsonl"))
    assert first_measured > artifact.read_manifest(city / "champion").data["last_day"]
    later = [day for day in days("training.jsonl") if day > first_measured]
    assert len(later) <= 0.05 * len(days("training.jsonl"))  # near-duplicates of earlier ones


def test_the_new_artifact_hands_on_the_citys_columns(retrained: Path, city: Path) -> None:
    made = artifact.read_manifest(retrained / "train" / ARTIFACT)
    assert made.columns == artifact.read_manifest(city / "champion").columns


def test_what_is_done_is_skipped(retrained: Path, city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: read_state(retrained / name) for name in STEPS}
    run_steps(retrained, steps_of(_request(city, retrained)))
    assert {name: read_state(retrained / name) for name in STEPS} == before
    assert capsys.readouterr().err.count("done before") == len(STEPS)


def test_a_step_runs_alone_when_those_before_are_done(retrained: Path, city: Path) -> None:
    request = _request(city, retrained, gates=load_gates().model_copy(update={"top1_loss": 0.5}))
    before = read_state(retrained / "train")
    run_steps(retrained, steps_of(request), only="evaluate")
    assert read_state(retrained / "train") == before


def test_a_later_file_has_the_last_word(city: Path, tmp_path: Path) -> None:
    lines = [orjson.loads(line) for line in (city / "new.jsonl").read_bytes().splitlines()]
    other = next(line["department"] for line in lines if line["department"] != lines[0]["department"])
    export = tmp_path / "review.jsonl"
    export.write_bytes(orjson.dumps({**lines[0], "department": other, "decided_by": "operator"}))
    request = _request(city, tmp_path / "work", new=[city / "new.jsonl", export])
    run_steps(request.work, steps_of(request), until="check")
    merged = (request.work / "check" / "tickets.jsonl").read_bytes().splitlines()
    found = [line for line in map(orjson.loads, merged) if line["ticket_id"] == lines[0]["ticket_id"]]
    assert [line["department"] for line in found] == [other]


def test_returned_and_redispatched_tickets_are_set_aside_and_one_that_was_taken_is_corrected(
    city: Path, tmp_path: Path
) -> None:
    lines = [orjson.loads(line) for line in (city / "new.jsonl").read_bytes().splitlines()]
    unit = _catalog().find_unit(lines[0]["department"])
    assert unit is not None

    def event(line: int, kind: str, at: str) -> dict[str, str]:
        return {"ticket_id": lines[line]["ticket_id"], "kind": kind, "unit": unit.code, "happened_at": at}

    events = [
        event(0, "returned", "2026-01-01T08:00:00+08:00"),
        # Later than the line below by the clock, though not by the letter.
        event(1, "accepted", "2026-01-01T02:00:00+00:00"),
        event(1, "redispatched", "2026-01-01T09:00:00+08:00"),
        event(2, "redispatched", "2026-01-01T09:00:00+08:00"),
    ]
    file = tmp_path / "feedback.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, events)))
    request = _request(city, tmp_path / "work", feedback=[file])
    run_steps(request.work, steps_of(request), until="check")
    merged = (request.work / "check" / "tickets.jsonl").read_bytes().splitlines()
    units = {line["ticket_id"]: line["department"] for line in map(orjson.loads, merged)}
    assert lines[0]["ticket_id"] not in units
    assert units[lines[1]["ticket_id"]] == unit.code
    assert lines[2]["ticket_id"] not in units


def test_tickets_worth_labelling_come_without_their_unit(city: Path, tmp_path: Path) -> None:
    output = tmp_path / "to_label.jsonl"
    arguments = ["choose", city / "new.jsonl", "--artifact", city / "champion", "--output", output]
    result = CliRunner().invoke(quality, [*map(str, arguments), "--count", "20"])
    assert result.exit_code == 0, result.output
    lines = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    margins = [line["review"]["margin"] for line in lines]
    assert len({line["ticket_id"] for line in lines}) == 20
    assert margins == sorted(margins)
    assert not any("department" in line for line in lines)


def test_killed_at_any_moment_it_goes_on_to_the_same_artifact(
    retrained: Path, city: Path, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-c", "from serve.cli import main; main()", "retrain"),
        *("--artifact", city / "champion", "--tickets", city / "old.jsonl", "--new", city / "new.jsonl"),
        *("--catalog", city / "catalog", "--quality", city / "quality.yaml"),
        *("--work", tmp_path / "work", "--registry", tmp_path / "registry", "--no-judge-labels"),
    ]
    undisturbed = artifact.open_artifact(retrained / "train" / ARTIFACT)
    seconds = sum(state.seconds for name in STEPS if (state := read_state(retrained / name)))
    draw = random.Random(KILLS)
    killed, finished = 0, False
    while killed < KILLS or not finished:
        if finished:  # so early that there are kills left: once more, from nothing
            shutil.rmtree(tmp_path / "work")
        process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        said = next((line for line in process.stderr if line.startswith("step ")), None)
        assert said is not None
        finished = killed == KILLS or _ends_within(process, draw.uniform(0.0, seconds))
        if not finished:
            process.send_signal(signal.SIGKILL)
            killed += 1
        _, rest = process.communicate()
        if finished:
            assert process.returncode == 0, rest
            made = artifact.open_artifact(tmp_path / "work" / "train" / ARTIFACT)
            assert made.files == undisturbed.files
            assert made.model_version == undisturbed.model_version
            assert not list((tmp_path / "work").glob("*.partial"))


def _ends_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
