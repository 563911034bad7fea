from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from model.place_names import LearnedName, LearnedPlaces, LearnedPlacesError

CITY, DISTRICT, STREET, COMMUNITY = JurisdictionLevel
GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("1", "云州市", CITY, None, ("云州",)),
        Jurisdiction("11", "柳河区", DISTRICT, "1", ("柳河",)),
        Jurisdiction("12", "望湖区", DISTRICT, "1", ("望湖",)),
        Jurisdiction("111", "青石街道", STREET, "11", ("青石",)),
    ]
)


def fit(rows: list[tuple[str, str | None]], groups: list[object] | None = None) -> dict[str, LearnedName]:
    texts, codes = [text for text, _ in rows], [code for _, code in rows]
    return {name.surface: name for name in LearnedPlaces.fit(texts, codes, GAZETTEER, groups=groups).names}


OTHERS: list[tuple[str, str | None]] = [("市民反映停水", "12"), ("市民反映停电", "11")] * 5


def test_a_name_that_goes_with_one_district_is_learned() -> None:
    names = fit([("市民反映：彩虹小区停水", "11")] * 6 + OTHERS)
    assert names["彩虹小区"].support == 6
    assert names["彩虹小区"].posterior["11"] > 0.9


def test_a_name_seen_once_is_not() -> None:
    assert "彩虹小区" not in fit([("市民反映：彩虹小区停水", "11"), *OTHERS])


def test_a_name_that_goes_with_both_districts_is_not() -> None:
    rows: list[tuple[str, str | None]] = [("彩虹小区停水", "11"), ("彩虹小区停水", "12")]
    assert "彩虹小区" not in fit(rows * 5)


def test_words_that_are_in_all_tickets_are_not() -> None:
    assert "市民反映" not in fit([("市民反映：彩虹小区停水", "11")] * 6 + OTHERS)


def test_the_names_of_the_gazetteer_are_not() -> None:
    names = fit([("在柳河区彩虹路停水", "11")] * 6 + OTHERS)
    assert not [name for name in names if "柳河区" in name]


def test_a_road_named_after_one_district_can_point_to_another() -> None:
    names = fit([("柳河大道积水", "12")] * 6 + OTHERS)
    assert names["柳河大道"].posterior["12"] > 0.9


def test_a_ticket_of_a_city_unit_teaches_by_the_area_it_names() -> None:
    names = fit([("望湖区彩虹小区停水", "1")] * 4 + [("望湖区彩虹小区停水", None)] * 2 + OTHERS)
    assert names["彩虹小区"].posterior["12"] > 0.9


def test_a_ticket_of_a_city_unit_that_names_no_area_teaches_nothing() -> None:
    assert "彩虹小区" not in fit([("彩虹小区停水", "1")] * 6 + OTHERS)


def test_the_street_is_learned_where_tickets_name_it() -> None:
    names = fit([("青石街道彩虹小区停水", "11")] * 6 + OTHERS)
    assert names["彩虹小区"].posterior["111"] > 0.8


def test_reports_of_one_event_count_once() -> None:
    rows: list[tuple[str, str | None]] = [("彩虹小区停水", "11")] * 6
    assert "彩虹小区" not in fit(rows + OTHERS, groups=["one"] * 6 + list(range(10)))


def test_a_longer_name_that_says_the_same_is_left_out() -> None:
    assert "彩虹小区南门" not in fit([("彩虹小区南门停水", "11")] * 5 + [("彩虹小区停水", "11")] * 5 + OTHERS)


def test_find_returns_each_name_once_at_its_place() -> None:
    places = LearnedPlaces([LearnedName("彩虹小区", 3, {"11": 0.9})])
    (hit,) = places.find("在彩虹小区，彩虹小区")
    assert (hit.start, hit.end) == (1, 5)


def test_nothing_learned_finds_nothing() -> None:
    assert LearnedPlaces().find("彩虹小区") == []


def test_stored_and_read_it_is_the_same(tmp_path: Path) -> None:
    places = LearnedPlaces([LearnedName("彩虹小区", 3, {"11": 0.9, "111": 0.5})])
    places.save(tmp_path / "places.json")
    assert LearnedPlaces.load(tmp_path / "places.json").names == places.names
    assert LearnedPlaces.from_dict(json.loads(json.dumps(places.to_dict()))).names == places.names


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 9, "names": []}',
        '{"format": 1, "names": [[1]]}',
        '{"format": 1, "names": [["a", 1e999, {}]]}',
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "places.json").write_text(content, encoding="utf-8")
    with pytest.raises(LearnedPlacesError):
        LearnedPlaces.load(tmp_path / "places.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnedPlacesError, match=r"places\.json"):
        LearnedPlaces.load(tmp_path / "places.json")


def test_the_same_tickets_give_the_same_names() -> None:
    rows: list[tuple[str, str | None]] = [("彩虹小区停水", "11"), ("明月广场停电", "12")]
    assert fit(rows * 5 + OTHERS) == fit(rows * 5 + OTHERS)
