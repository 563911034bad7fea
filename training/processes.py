"""The processes of one training: one, or several that `accelerate launch` started."""

from __future__ import annotations

import os
from functools import cache

import torch
from accelerate import PartialState

from training.errors import TrainingError


def process_count() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Tell whether this process is the one that writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def on_cpu() -> bool:
    """Tell whether the processor trains: there is no GPU, or none that this process is shown."""
    return not torch.cuda.is_available()


def backend() -> str | None:
    """Return what joins the processes; None leaves the choice to torch."""
    return "gloo" if on_cpu() and process_count() > 1 else None


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if process_count() > 1:
        _state().wait_for_everyone()


def batch_share(batch_size: int) -> int:
    """Return how many of a batch's tickets fall to each process.

    Raises:
        TrainingError: the batch cannot be shared out evenly.
    """
    share, rest = divmod(batch_size, process_count())
    if rest or not share:
        raise TrainingError(
            f"batches of {batch_size} for {process_count()} processes",
            where="batch_size",
            expected="a multiple of the number of processes",
            fix="Change `batch_size` in the file given with --config.",
        )
    return share


@cache
def _state() -> PartialState:
    return PartialState(cpu=on_cpu(), backend=backend()) if on_cpu() else PartialState()
