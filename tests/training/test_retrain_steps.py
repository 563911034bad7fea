"""Steps that are skipped, gone on with, or refused; and what feedback says of a ticket's unit."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from training.errors import TrainingError
from training.retrain.feedback import read_outcomes
from training.retrain.steps import Step, read_state, run_steps


class _Work:
    """Three steps that note when they run; the second one fails as long as it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.found: list[str] = []
        self.failing = False

    def steps(self, *, setting: int = 1) -> Sequence[Step]:
        return [
            Step("first", {"setting": setting}, lambda f: self._run("first", f, f"made {setting}"), str),
            Step("second", {}, self._second, str, resumes=True),
            Step("third", {}, lambda f: self._run("third", f, "made"), str),
        ]

    def _run(self, name: str, folder: Path, made: str) -> str:
        self.ran.append(name)
        self.found += [path.name for path in folder.iterdir() if path.name != "begun.json"]
        (folder / "result").write_text(made)
        return made

    def _second(self, folder: Path) -> str:
        made = self._run("second", folder, "made")
        if self.failing:
            raise KeyboardInterrupt
        return made


@pytest.fixture
def work(tmp_path: Path) -> _Work:
    return _Work(tmp_path / "work")


def test_steps_run_in_order_and_leave_their_folders(work: _Work) -> None:
    run_steps(work.folder, work.steps())
    assert work.ran == ["first", "second", "third"]
    assert {path.name for path in (work.folder / "second").iterdir()} == {"result", "step.json"}


def test_what_is_done_is_not_run_again(work: _Work) -> None:
    run_steps(work.folder, work.steps())
    run_steps(work.folder, work.steps())
    assert len(work.ran) == 3


def test_a_changed_setting_runs_what_depends_on_it(work: _Work) -> None:
    run_steps(work.folder, work.steps())
    run_steps(work.folder, work.steps(setting=2))
    # What the second step made is the same as before, so the third is not run again.
    assert work.ran == ["first", "second", "third", "first", "second"]


def test_a_step_that_resumes_finds_what_it_left(work: _Work) -> None:
    work.failing = True
    with pytest.raises(KeyboardInterrupt):
        run_steps(work.folder, work.steps())
    assert read_state(work.folder / "second") is None
    work.failing = False
    run_steps(work.folder, work.steps())
    assert work.ran == ["first", "second", "second", "third"]
    assert work.found == ["result"]


def test_what_was_begun_with_other_inputs_is_cleared(work: _Work) -> None:
    work.failing = True
    with pytest.raises(KeyboardInterrupt):
        run_steps(work.folder, work.steps())
    work.failing = False
    run_steps(work.folder, work.steps(setting=2))
    assert work.found == []


def test_until_stops_after_a_step(work: _Work) -> None:
    run_steps(work.folder, work.steps(), until="second")
    assert work.ran == ["first", "second"]


def test_only_runs_a_step_whose_forerunners_are_done(work: _Work) -> None:
    with pytest.raises(TrainingError, match="--until first"):
        run_steps(work.folder, work.steps(), only="second")
    run_steps(work.folder, work.steps(), until="first")
    run_steps(work.folder, work.steps(), only="second")
    assert work.ran == ["first", "second"]


def test_an_unknown_step_is_refused(work: _Work) -> None:
    with pytest.raises(TrainingError, match="first, second, third"):
        run_steps(work.folder, work.steps(), until="fourth")


def test_a_folder_in_use_is_refused(work: _Work) -> None:
    work.folder.mkdir()
    with (work.folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="another process"):
            run_steps(work.folder, work.steps())


# --- feedback -------------------------------------------------------------------


def _outcome(folder: Path, *events: tuple[str, str | None], filed: str = "a") -> str | None:
    path = folder / "feedback.jsonl"
    lines = [
        {"ticket_id": "1", "kind": kind, "unit": unit, "happened_at": f"2026-01-0{day}"}
        for day, (kind, unit) in enumerate(events, start=1)
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, reversed(lines))))  # the order of the file does not matter
    return read_outcomes([path])["1"].corrected(filed)


@pytest.mark.parametrize(
    ("events", "unit"),
    [
        ([("accepted", "b")], "b"),
        ([("returned", "a")], None),
        ([("returned", "b")], "a"),
        ([("returned", "a"), ("redispatched", "b")], None),  # b may send it back yet
        ([("returned", "a"), ("redispatched", "b"), ("closed", "b")], "b"),
        ([("redispatched", "b"), ("returned", "b")], "a"),
        ([("returned", "a"), ("accepted", "a")], "a"),
    ],
)
def test_the_last_word_counts(tmp_path: Path, events: list[tuple[str, str | None]], unit: str | None) -> None:
    assert _outcome(tmp_path, *events) == unit


def test_events_of_several_files_are_taken_in_the_order_they_happened(tmp_path: Path) -> None:
    files = [tmp_path / "late.jsonl", tmp_path / "early.jsonl"]
    for file, unit, at in zip(
        files, "ba", ("2026-01-01T02:00:00+00:00", "2026-01-01T09:00:00+08:00"), strict=True
    ):
        file.write_bytes(
            orjson.dumps({"ticket_id": "1", "kind": "accepted", "unit": unit, "happened_at": at})
        )
    assert read_outcomes(files)["1"].held == "b"


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"kind": "closed"}', '{"ticket_id": "1", "kind": "lost"}']
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(TrainingError, match="line 2: not an event"):
        read_outcomes([path])
