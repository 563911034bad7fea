from __future__ import annotations

from pathlib import Path

import pytest

from data.gazetteer.errors import GazetteerError
from data.gazetteer.gazetteer import Gazetteer

TABLE = """code,name,level,parent,aliases
1,甲市,city,,甲
11,东山区,district,1,东山|老东山
111,柳树街道,subdistrict,11,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gazetteer.yaml").write_text("city: 甲市\nsource: hand\nversion: '3'\n", encoding="utf-8")
    (tmp_path / "jurisdictions.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def test_a_folder_is_read(folder: Path) -> None:
    gazetteer = Gazetteer.load(folder)
    assert gazetteer["11"].aliases == ("东山", "老东山")
    assert (gazetteer.source, gazetteer.version) == ("hand", "3")


def test_saved_and_loaded_it_is_the_same(folder: Path, tmp_path: Path) -> None:
    gazetteer = Gazetteer.load(folder)
    gazetteer.save(tmp_path / "copy")
    copy = Gazetteer.load(tmp_path / "copy")
    assert list(copy) == list(gazetteer)
    assert (copy.source, copy.version) == (gazetteer.source, gazetteer.version)


def test_a_byte_order_mark_is_tolerated(folder: Path) -> None:
    (folder / "jurisdictions.csv").write_text(TABLE, encoding="utf-8-sig")
    assert len(Gazetteer.load(folder)) == 3


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("111,杨树街道,subdistrict,11,", "used twice"),
        ("112,杨树街道,subdistrict,15,", "missing"),
        ("112,杨树街道,street,11,", "level 'street'"),
        ("112,杨树街道,subdistrict,11", "4 cells"),
    ],
)
def test_a_faulty_line_is_named(folder: Path, line: str, complaint: str) -> None:
    (folder / "jurisdictions.csv").write_text(f"{TABLE}{line}\n", encoding="utf-8")
    with pytest.raises(GazetteerError, match=complaint) as caught:
        Gazetteer.load(folder)
    assert caught.value.where is not None and caught.value.where.endswith("jurisdictions.csv line 5")


def test_a_wrong_header_is_named(folder: Path) -> None:
    (folder / "jurisdictions.csv").write_text("code,name\n1,甲市\n", encoding="utf-8")
    with pytest.raises(GazetteerError, match="expected code,name,level,parent,aliases"):
        Gazetteer.load(folder)


def test_the_two_files_must_be_about_one_city(folder: Path) -> None:
    (folder / "gazetteer.yaml").write_text("city: 乙市\n", encoding="utf-8")
    with pytest.raises(GazetteerError, match="'乙市'"):
        Gazetteer.load(folder)


@pytest.mark.parametrize("content", ["", "- 甲市\n", "source: x\n", "city: [甲\n"])
def test_a_head_without_a_city_is_refused(folder: Path, content: str) -> None:
    (folder / "gazetteer.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(GazetteerError, match=r"gazetteer\.yaml"):
        Gazetteer.load(folder)


def test_a_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match="paidan gazetteer build"):
        Gazetteer.load(tmp_path / "nowhere")


def test_other_encodings_are_refused(folder: Path) -> None:
    (folder / "jurisdictions.csv").write_bytes(TABLE.encode("gb18030"))
    with pytest.raises(GazetteerError, match="not UTF-8"):
        Gazetteer.load(folder)


def test_a_failed_save_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gazetteer = Gazetteer.load(folder)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(GazetteerError, match="No space left"):
        gazetteer.save(folder)
    assert (folder / "jurisdictions.csv").read_text(encoding="utf-8") == TABLE
    assert sorted(file.name for file in folder.iterdir()) == ["gazetteer.yaml", "jurisdictions.csv"]
