from __future__ import annotations

from pathlib import Path

import pytest

from model.calibration import Calibration
from model.combination import Combination
from model.errors import ArtifactError
from model.json_files import read_json
from model.layout import UnitLayout
from model.policy import Policy


@pytest.mark.parametrize("load", [Calibration.load, Combination.load, Policy.load, UnitLayout.load])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[1]", b"null", b'{"slope": "steep"}', b"[" * 10_000, b'{"a": []}']
)
def test_a_file_that_holds_something_else_is_named(load, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as raised:
        load(path)
    assert raised.value.where == str(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_json(tmp_path / "none.json", Calibration)


def test_the_place_of_a_fault_is_named_and_not_its_value(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text('{"slope": "canary", "intercept": 0}')
    with pytest.raises(ArtifactError, match="slope") as raised:
        Calibration.load(path)
    assert "canary" not in str(raised.value)


def test_a_layout_whose_rows_do_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text(
        '{"units": ["u"], "families": ["f"], "jurisdictions": ["c"], "family_of": [1], "jurisdiction_of": [0],'
        ' "level_of": [0]}'
    )
    with pytest.raises(ArtifactError, match="family_of does not fit"):
        UnitLayout.load(path)
