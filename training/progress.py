"""Progress of long work, on standard error: a bar in a terminal, a line now and then in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.processes import is_first

_LINES = 20  # in a log file, over the whole of the work


def say(message: str) -> None:
    """Print one line of progress; of several processes that train together, the first speaks."""
    if not is_first():
        return
    Console(stderr=True, highlight=False).print(message, markup=False, soft_wrap=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Announce a step, and how long it took when it is done."""
    started = time.monotonic()
    say(f"{name} ...")
    yield
    say(f"{name}: {time.monotonic() - started:.0f} s")


@contextmanager
def bar(name: str) -> Iterator[Callable[[float], None]]:
    """Show a bar that is moved by the share done, in [0, 1]; in a log file, a line at begin and end."""
    if not (sys.stderr.isatty() and is_first()):
        with step(name):
            yield lambda _: None
        return
    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=1.0)
        yield lambda share: progress.update(task, completed=share)


class ProgressCallback(TrainerCallback):
    """Shows how far a Trainer is, with the time left."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Progress | None = None
        self._started = 0.0
        self._first_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Start the bar, or say where a resumed training goes on."""
        self._started = time.monotonic()
        self._first_step = state.global_step
        if self._first_step:
            say(f"{self._name}: resumed at step {self._first_step} of {state.max_steps}")
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.add_task(self._name, total=state.max_steps, completed=self._first_step)
            self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Move the bar, or print a line now and then."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step)
        elif state.global_step % max(1, state.max_steps // _LINES) == 0:
            done = state.global_step - self._first_step
            a_step = (time.monotonic() - self._started) / done
            left = a_step * (state.max_steps - state.global_step) / 60
            losses = [f"loss {entry['loss']:.3f}, " for entry in state.log_history if "loss" in entry]
            say(
                f"{self._name}: step {state.global_step} of {state.max_steps}, {losses[-1] if losses else ''}"
                f"{a_step:.2f} s a step, {left:.0f} min left"
            )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Stop the bar."""
        if self._bar is not None:
            self._bar.stop()
