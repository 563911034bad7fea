"""The steps of a retraining: check, deduplicate, split, train, evaluate, register."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from data.splits import last_share, split_by_time
from data.tickets.columns import ColumnMapping
from model import artifact
from model.errors import ArtifactError
from model.registry import Registry
from training.checkpoints import checkpoints_of
from training.errors import TrainingError
from training.quality.check import REPORT, check_quality, write_check
from training.quality.label_suspects import WORK_LIST
from training.quality.labels import list_suspects, write_for_desk
from training.quality.lists import write_json, write_jsonl
from training.retrain.measuring import measure, ticket_of, write_comparison
from training.retrain.merging import lines_of, merge_tickets
from training.retrain.request import RetrainRequest
from training.retrain.steps import Step, digest
from training.train import TrainingRequest, train

CHECK, DEDUPLICATE, SPLIT, TRAIN, EVALUATE, REGISTER = STEPS = (
    "check",
    "deduplicate",
    "split",
    "train",
    "evaluate",
    "register",
)
TICKETS = "tickets.jsonl"
GROUPS = "groups.npy"
TRAINING, EVALUATION = "training.jsonl", "evaluation.jsonl"
ARTIFACT = "artifact"
COUNTS = "counts.json"
REGISTERED = "registered.json"
DESK = "to_desk.jsonl"

_FEWEST = 100  # tickets to judge labels by, and to measure on


def steps_of(request: RetrainRequest) -> Sequence[Step]:
    """Return the steps of a retraining, in order."""
    quality, champion = request.quality.model_dump(), request.champion_manifest()
    return (
        Step(
            CHECK,
            {**request.identity(), "quality": quality, "labels": request.judge_labels},
            lambda folder: _check(request, folder),
            lambda folder: (
                f"Read {folder / f'{REPORT}.md'}"
                + (f" and go through {folder / f'{WORK_LIST}.csv'}." if request.judge_labels else ".")
            ),
        ),
        Step(DEDUPLICATE, {}, lambda folder: _deduplicate(request, folder), _counted),
        Step(
            SPLIT,
            {
                "share": request.quality.evaluation_share,
                "from": str(request.evaluate_from),
                "champion_saw": champion.data.get("last_day"),
            },
            lambda folder: _split(request, folder),
            _counted,
        ),
        Step(
            TRAIN,
            {"settings": request.settings.model_dump()},
            lambda folder: _train(request, folder),
            lambda folder: f"Artifact: {folder / ARTIFACT}.",
            resumes=True,
        ),
        Step(
            EVALUATE,
            {"champion": champion.identity, "gates": request.gates.model_dump(), "texts": request.texts},
            lambda folder: _evaluate(request, folder),
            lambda folder: f"Report: {folder / 'report.html'}.",
        ),
        Step(
            REGISTER,
            {"registry": str(request.registry.resolve())},
            lambda folder: _register(request, folder),
            lambda folder: f"Candidate: {registered_name(folder)}.",
        ),
    )


def registered_name(folder: Path) -> str:
    """Return the name under which the step `register` put the candidate into the registry."""
    return str(json.loads((folder / REGISTERED).read_text("utf-8"))["name"])


def _counted(folder: Path) -> str:
    counts = json.loads((folder / COUNTS).read_text("utf-8"))
    return ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()) + "."


def _check(request: RetrainRequest, folder: Path) -> str:
    merged = folder / TICKETS
    counts = merge_tickets(request, merged)
    columns = ColumnMapping.identity()
    found = check_quality(merged, columns, request.catalog, request.quality)
    write_check(found, folder)
    # A line a ticket: rejected ones, such as a text seen before, are groups of their own and go later.
    group = np.full(sum(counts.files.values()), -1, dtype=np.int64)
    places = found.tickets.rows - 1
    group[places] = places[found.duplicates.group]
    np.save(folder / GROUPS, group)
    write_json(folder / COUNTS, counts.to_dict())
    if request.judge_labels and len(found.tickets) >= _FEWEST:
        work = list_suspects(merged, columns, request.catalog, request.quality)
        work.write(folder)
        write_for_desk(work, merged, columns, folder / DESK)
    return digest({"tickets": artifact.file_sha256(merged), "groups": artifact.file_sha256(folder / GROUPS)})


def _deduplicate(request: RetrainRequest, folder: Path) -> str:
    """Keep of each group of near-duplicates the earliest ticket of each unit."""
    before = request.work / CHECK
    groups: list[int] = np.load(before / GROUPS).tolist()
    first: dict[tuple[int, str], tuple[str, int]] = {}
    units: dict[str, str | None] = {}
    unknown = 0
    for place, line in enumerate(lines_of(before / TICKETS)):
        name = line["department"]
        if name not in units:
            unit = request.catalog.find_unit(name)
            units[name] = unit.code if unit is not None else None
        code = units[name]
        if groups[place] < 0 or code is None:
            unknown += groups[place] >= 0
            continue
        key, when = (groups[place], code), (line.get("created_at", ""), place)
        first[key] = min(first.get(key, when), when)
    kept = {place for _, place in first.values()}
    written = write_jsonl(
        folder / TICKETS,
        (
            {**line, "group": groups[place]}
            for place, line in enumerate(lines_of(before / TICKETS))
            if place in kept
        ),
    )
    counts = {
        "tickets": len(groups),
        "of_unknown_units": int(unknown),
        "duplicates": len(groups) - written - int(unknown),
        "kept": written,
    }
    write_json(folder / COUNTS, counts)
    return artifact.file_sha256(folder / TICKETS)


def _split(request: RetrainRequest, folder: Path) -> str:
    """Put the latest tickets aside to measure on, if the champion cannot have seen them."""
    lines = list(lines_of(request.work / DEDUPLICATE / TICKETS))
    dates = [datetime.fromisoformat(line["created_at"]) if "created_at" in line else None for line in lines]
    groups = np.array([line.pop("group") for line in lines], dtype=np.int64)
    if request.evaluate_from is not None:
        _, later = split_by_time(dates, groups, request.evaluate_from - timedelta(days=1))
    else:
        _, later = last_share(dates, groups, request.quality.evaluation_share)
    last_day = request.champion_manifest().data.get("last_day")
    seen_until = date.fromisoformat(last_day) if last_day else None
    unseen = [
        place
        for place in later.tolist()
        if seen_until is None or ((moment := dates[place]) is not None and moment.date() > seen_until)
    ]
    # Near-duplicates that went to different units: none is measured on while another is learned from.
    learned = set(groups[np.setdiff1d(np.arange(len(lines)), unseen)].tolist())
    unseen = [place for place in unseen if int(groups[place]) not in learned]
    if len(unseen) < _FEWEST:
        raise TrainingError(
            f"{len(unseen)} tickets to measure on that the champion was not trained on",
            where=f"tickets after {seen_until}" if seen_until else "the latest tickets",
            expected=f"at least {_FEWEST}",
            fix="Add newer tickets with --new, or measure on more of them: --evaluate-from, or a larger "
            "`evaluation_share` in the file given with --quality.",
        )
    aside = set(unseen)
    write_jsonl(folder / TRAINING, (line for place, line in enumerate(lines) if place not in aside))
    write_jsonl(folder / EVALUATION, (lines[place] for place in unseen))
    write_json(
        folder / COUNTS,
        {
            "to_train_and_calibrate_on": len(lines) - len(unseen),
            "to_measure_on": len(unseen),
            "first_day_measured": min(str(lines[place].get("created_at", ""))[:10] for place in unseen),
        },
    )
    return digest({name: artifact.file_sha256(folder / name) for name in (TRAINING, EVALUATION)})


def _train(request: RetrainRequest, folder: Path) -> str:
    """Train as `paidan train` does; what was killed goes on from its last checkpoint."""
    output = folder / ARTIFACT
    for left in folder.glob(f".{ARTIFACT}-*"):  # half an artifact of a run that was killed
        if left != checkpoints_of(output):
            shutil.rmtree(left)
    try:
        return artifact.open_artifact(output).identity
    except ArtifactError:
        pass
    train(
        TrainingRequest(
            tickets=request.work / SPLIT / TRAINING,
            columns=ColumnMapping.identity(),
            catalog=request.catalog,
            settings=request.settings,
            output=output,
            city_columns=request.columns,
        )
    )
    return artifact.read_manifest(output).identity


def _evaluate(request: RetrainRequest, folder: Path) -> str:
    split, challenger = request.work / SPLIT, request.work / TRAIN / ARTIFACT
    training, tickets = (
        [ticket_of(line) for line in lines_of(split / name)] for name in (TRAINING, EVALUATION)
    )
    comparison = measure(request, challenger, training, tickets, split / EVALUATION)
    write_comparison(comparison, folder, texts=request.texts)
    # Times differ from run to run; what was compared does not.
    return digest({"challenger": artifact.read_manifest(challenger).identity, "texts": request.texts})


def _register(request: RetrainRequest, folder: Path) -> str:
    registry = Registry(request.registry)
    entry = registry.add(request.work / TRAIN / ARTIFACT)
    shutil.copytree(
        request.work / EVALUATE,
        registry.reports(entry.name),
        ignore=shutil.ignore_patterns("step.json"),
        dirs_exist_ok=True,
    )
    write_json(folder / REGISTERED, {"name": entry.name, "folder": str(entry.folder)})
    return entry.manifest.identity
