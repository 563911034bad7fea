from pathlib import Path

import pytest

from data.errors import PaidanError
from data.yaml_settings import read_settings


class RefusedError(PaidanError):
    """What these tests ask for."""


def _file(folder: Path, content: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize("content", ["- a", "a", "seed: 2018-13-45", "[" * 3000, "a: [", "\0"])
def test_what_holds_no_settings_is_refused_as_the_caller_asks(tmp_path: Path, content: str) -> None:
    with pytest.raises(RefusedError, match=r"settings\.yaml"):
        read_settings(_file(tmp_path, content), RefusedError)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="FileNotFoundError"):
        read_settings(tmp_path / "none.yaml", RefusedError)


@pytest.mark.parametrize(
    ("content", "held"), [("", {}), ("a: 1", {"a": 1}), ("?", {"None": None}), ("5: x", {"5": "x"})]
)
def test_names_are_texts(tmp_path: Path, content: str, held: dict[str, object]) -> None:
    assert read_settings(_file(tmp_path, content), RefusedError) == held
