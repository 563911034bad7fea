from __future__ import annotations

from pathlib import Path

import pytest

from data.whole_file import replacing, write_text


def test_a_file_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "list.txt"
    write_text(path, "旧")
    write_text(path, "新")
    assert path.read_text("utf-8") == "新"
    assert list(path.parent.iterdir()) == [path]


def test_until_then_the_older_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    write_text(path, "旧")
    with replacing(path) as scratch:
        scratch.write_text("新", "utf-8")
        assert path.read_text("utf-8") == "旧"


def test_a_block_that_raises_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    write_text(path, "旧")
    with pytest.raises(ZeroDivisionError), replacing(path) as scratch:
        scratch.write_text("新", "utf-8")
        raise ZeroDivisionError
    assert path.read_text("utf-8") == "旧"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_text(tmp_path / "file" / "list.txt", "新")
