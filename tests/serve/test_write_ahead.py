from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import pytest

from serve.store.write_ahead import WriteAheadError, WriteAheadFile

MOMENT = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "waiting.log"


def _row(number: int) -> dict[str, object]:
    return {
        "ticket_id": f"t{number}",
        "answered_at": MOMENT,
        "text": "停水\n三天",
        "flags": ["urgent"],
        "score": None,
    }


def test_rows_come_back_as_they_were_in_their_order(path: Path) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(1), _row(2)])
    file.append([_row(3)])
    assert file.read(10) == [_row(1), _row(2), _row(3)]
    assert file.read(2) == [_row(1), _row(2)]
    file.close()


def test_rows_outlive_the_process(path: Path) -> None:
    first = WriteAheadFile(path, 10_000)
    first.append([_row(1)])
    first.close()
    again = WriteAheadFile(path, 10_000)
    assert len(again) == 1
    assert again.read(10) == [_row(1)]
    again.close()


@pytest.mark.parametrize("torn", [b"0000", b"00000000 {}\n", b"deadbeef not json"])
def test_a_torn_last_line_is_cut_off(path: Path, torn: bytes) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(1)])
    file.close()
    with path.open("ab") as handle:
        handle.write(torn)
    again = WriteAheadFile(path, 10_000)
    again.append([_row(2)])
    assert again.read(10) == [_row(1), _row(2)]
    again.close()


@pytest.mark.parametrize("content", [b"[]", b"5", b'{"a": {"at": 5}}', b'{"a": {"at": "yesterday"}}', b"{"])
def test_a_line_that_holds_no_row_is_no_sound_line(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(b"%08x %s\n" % (crc32(content), content))
    file = WriteAheadFile(path, 10_000)
    assert len(file) == 0
    file.close()


def test_damage_in_the_middle_costs_one_row_and_the_file_is_kept_beside(path: Path) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(i) for i in range(4)])
    file.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"t1", b"t9")
    path.write_bytes(b"".join(lines))
    again = WriteAheadFile(path, 10_000)
    assert [row["ticket_id"] for row in again.read(10)] == ["t0", "t2", "t3"]
    again.append([_row(4)])
    assert len(again) == 4
    again.close()
    (copy,) = path.parent.glob("waiting.log.damaged-*")
    assert copy.read_bytes() == b"".join(lines)


def test_forgetting_drops_the_oldest(path: Path) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(i) for i in range(5)])
    file.forget(3)
    file.append([_row(5)])
    assert [row["ticket_id"] for row in file.read(10)] == ["t3", "t4", "t5"]
    assert len(file) == 3
    file.close()


def test_what_does_not_fit_is_refused_as_a_whole(path: Path) -> None:
    file = WriteAheadFile(path, 300)
    assert file.append([_row(1)])
    assert not file.append([_row(2), _row(3)])
    assert file.read(10) == [_row(1)]
    file.forget(1)
    assert file.append([_row(2)])
    file.close()


def test_a_full_disk_is_no_room_and_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(1)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert not file.append([_row(2)])
    assert file.append([_row(3)])
    assert file.read(10) == [_row(1), _row(3)]
    file.close()


def test_what_was_forgotten_leaves_the_file_when_all_is(path: Path) -> None:
    file = WriteAheadFile(path, 10_000)
    file.append([_row(1), _row(2)])
    file.forget(1)
    assert path.stat().st_size > 0
    file.forget(1)
    assert path.stat().st_size == 0
    file.close()


def test_a_second_process_is_kept_out(path: Path) -> None:
    file = WriteAheadFile(path, 10_000)
    with pytest.raises(WriteAheadError, match="another process"):
        WriteAheadFile(path, 10_000)
    file.close()
