"""Write a file as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from data.errors import PaidanError
from data.whole_file import replacing


class OutputError(PaidanError):
    """A file cannot be written; what was there before still is."""


class WholeFile:
    """A file in the making, beside the one that it will replace."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, content: bytes) -> None:
        """Add to the file; raise OutputError if the disk does not take it."""
        try:
            self._file.write(content)
        except OSError as error:
            raise _refused(self._path, error) from error

    def finish(self, *, durable: bool) -> None:
        """Hand over all of it; `durable` waits until it is on the disk, which a pipe cannot promise."""
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())


@contextmanager
def write_whole(path: Path) -> Iterator[WholeFile]:
    """Give a file to write; at the end it takes the place of `path`, in one step.

    If the block raises, `path` stays as it was. Missing folders are made. What is there and no ordinary
    file (a pipe, a device such as /dev/stdout) is not replaced but written to. Raise OutputError.
    """
    if path.is_dir():
        raise OutputError("is a folder", where=str(path), expected="a file to write")
    takes_place = not path.exists() or path.is_file()
    with ExitStack() as stack:
        try:
            part = stack.enter_context(replacing(path)) if takes_place else path
            file = part.open("wb")
        except OSError as error:
            raise _refused(path, error) from error
        stack.callback(_close, file)
        whole = WholeFile(file, path)
        yield whole
        try:
            whole.finish(durable=takes_place)
            stack.close()
        except OSError as error:
            raise _refused(path, error) from error


def _close(file: IO[bytes]) -> None:
    """Close a file; where its disk is full, that was told when it was written to."""
    with suppress(OSError):
        file.close()


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot be written ({error.strerror or type(error).__name__})",
        where=str(path),
        fix="Make room or choose another --output; nothing was changed.",
    )
