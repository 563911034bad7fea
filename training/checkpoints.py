"""The folder of checkpoints beside an artifact that is being trained."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.progress import say

_IDENTITY = "identity.sha256"
_END = "trainer_state.json"  # the file that Trainer writes last


def checkpoint_folder(output: Path, identity: Mapping[str, Any]) -> Path:
    """Return the folder for checkpoints of exactly this training; clear one of another training."""
    work = checkpoints_of(output)
    key = work / _IDENTITY
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    if work.exists() and (not key.exists() or key.read_text() != digest):
        say("settings or tickets changed since the interrupted training: starting over")
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    scratch = key.with_suffix(".new")
    scratch.write_text(digest)
    scratch.replace(key)
    for checkpoint in work.glob("checkpoint-*"):
        if not _is_complete(checkpoint):
            shutil.rmtree(checkpoint)
    return work


def checkpoints_of(output: Path) -> Path:
    """Return where the checkpoints of an artifact's training lie."""
    return output.with_name(f".{output.name}-training")


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end."""
    complete = filter(_is_complete, folder.glob("checkpoint-*"))
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_complete(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _END).read_text("utf-8"))
    except (OSError, ValueError):  # killed before it was written, or while it was
        return False
    return True
