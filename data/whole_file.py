"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; at the end that file takes the place of `path`, in one step.

    If the block raises, `path` stays as it was, and nothing is left beside it. Missing folders are made.

    Raises:
        OSError: the folder cannot be made, or the file cannot take its place; callers say it in their words.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, in place of an older file in one step; raise OSError as `replacing` does."""
    with replacing(path) as scratch:
        scratch.write_text(text, "utf-8")
