"""Steps of a long piece of work, each in a folder of its own: skipped when done, gone on with when killed.

A step works in `NAME.partial` and becomes `NAME` by one rename, with `step.json` in it. So a folder is either
whole or not there, whenever the process is killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.progress import say
from training.quality.lists import write_json

STATE = "step.json"
_BEGUN = "begun.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    `settings` is all that decides its outcome besides the step before it. `run` writes into the folder it is
    given and returns a hash of what it made. A step that `resumes` finds there what it left when it was
    killed; others find the folder empty. `done` says what to look at when it is through.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[Path], str]
    done: Callable[[Path], str]
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class StepState:
    """What `step.json` says: `inputs` is the hash of all that went in, `made` of what came out."""

    inputs: str
    made: str
    finished_at: str
    seconds: float


def run_steps(
    work: Path, steps: Sequence[Step], *, until: str | None = None, only: str | None = None
) -> None:
    """Run the steps in order, up to `until`, or `only` one; what is done and unchanged is skipped.

    Raises:
        TrainingError: no such step, another process is at work in the folder, or with `only` the steps before
            it are not done with these inputs.
    """
    names = [step.name for step in steps]
    for wanted in (until, only):
        if wanted is not None and wanted not in names:
            raise TrainingError(
                f"no step {wanted!r}",
                where="--until" if wanted == until else "--only",
                expected=", ".join(names),
            )
    with _alone(work):
        made = ""
        for number, step in enumerate(steps, start=1):
            inputs = _inputs(step, made)
            state = read_state(work / step.name)
            if state is not None and state.inputs == inputs:
                say(f"step {number} of {len(steps)}, {step.name}: done before, its inputs did not change")
            elif only is not None and step.name != only:
                raise TrainingError(
                    f"step `{step.name}` is not done with these inputs",
                    where=str(work),
                    fix=f"Run it first: --until {names[names.index(only) - 1]}.",
                )
            else:
                say(f"step {number} of {len(steps)}, {step.name} ...")
                state = _run(work, step, inputs)
                say(
                    f"step {number} of {len(steps)}, {step.name}: {state.seconds:.0f} s. "
                    + step.done(work / step.name)
                )
            if step.name in (until, only):
                return
            made = state.made


def read_state(folder: Path) -> StepState | None:
    """Return what a step's folder says of it; None if the step is not done."""
    try:
        return StepState(**json.loads((folder / STATE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def digest(content: Mapping[str, Any]) -> str:
    """Return a sha256 over plain content; the order of keys does not matter."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _inputs(step: Step, made_before: str) -> str:
    return digest(
        {
            "step": step.name,
            "settings": dict(step.settings),
            "before": made_before,
            "paidan": version("paidan"),
        }
    )


def _run(work: Path, step: Step, inputs: str) -> StepState:
    folder = work / f"{step.name}.partial"
    begun = folder / _BEGUN
    if folder.exists() and not (step.resumes and _says(begun, inputs)):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(begun, {"inputs": inputs})
    begin = time.monotonic()
    made = step.run(folder)
    state = StepState(
        inputs, made, datetime.now(UTC).isoformat(timespec="seconds"), round(time.monotonic() - begin, 1)
    )
    begun.unlink()
    write_json(folder / STATE, asdict(state))
    shutil.rmtree(work / step.name, ignore_errors=True)
    folder.replace(work / step.name)
    return state


def _says(begun: Path, inputs: str) -> bool:
    try:
        return bool(json.loads(begun.read_text("utf-8"))["inputs"] == inputs)
    except (OSError, ValueError, KeyError):
        return False


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (work / ".lock").open("w")
    except OSError as error:
        raise TrainingError(
            f"cannot be written ({error.strerror})", where=str(work), fix="Name another folder with --work."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TrainingError(
                "another process is at work in this folder",
                where=str(work),
                fix="Wait for it, or name another folder with --work.",
            ) from error
        yield
