"""A disk that fills up in mid-training; docs/bad-input.md says how it was tried on a real one."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from safetensors import SafetensorError

from training.disk import is_full_disk

_Usage = namedtuple("_Usage", "total used free")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_it_is_told_by_the_error(error: Exception, tmp_path: Path) -> None:
    assert is_full_disk(error, tmp_path)


def test_it_is_told_by_the_disk_when_torch_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(2**30, 2**30 - 10, 10))
    assert is_full_disk(RuntimeError("unexpected pos 110832256 vs 110832144"), tmp_path)


def test_other_errors_are_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(2**30, 0, 2**30))
    assert not is_full_disk(RuntimeError("shapes do not match"), tmp_path)
    assert not is_full_disk(OSError(errno.EACCES, "Permission denied"), tmp_path)
