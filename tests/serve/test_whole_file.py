from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from serve.whole_file import OutputError, write_whole


def test_file_is_replaced_at_the_end(tmp_path: Path):
    path = tmp_path / "new" / "out.jsonl"
    with write_whole(path) as file:
        file.write(b"a\n")
        assert not path.exists()
    assert path.read_bytes() == b"a\n"
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), write_whole(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_is_refused(tmp_path: Path):
    with pytest.raises(OutputError, match="is a folder"), write_whole(tmp_path):
        pass


def test_place_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), write_whole(tmp_path / "file" / "out.jsonl"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: opened(Path("/dev/full"), mode))
    with pytest.raises(OutputError, match="No space left"), write_whole(path) as file:
        file.write(b"x" * 100_000)
    monkeypatch.undo()  # reading /dev/full never ends
    assert path.read_bytes() == b"old"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    with write_whole(path) as file:
        file.write(b"a\n")
    reader.join(10)
    assert read == [b"a\n"]
    assert path.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_is_written_to_and_stays_a_device():
    device = Path("/dev/full")
    with pytest.raises(OutputError, match="No space left"), write_whole(device) as file:
        file.write(b"x")
    assert device.is_char_device()
