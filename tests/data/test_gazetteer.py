from __future__ import annotations

import pytest

from data.gazetteer.errors import GazetteerError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

CITY, DISTRICT, STREET, COMMUNITY = JurisdictionLevel


def area(code: str, name: str, level: JurisdictionLevel, parent: str | None, *aliases: str) -> Jurisdiction:
    return Jurisdiction(code, name, level, parent, aliases)


RECORDS = [
    area("1", "甲市", CITY, None, "甲"),
    area("11", "东山区", DISTRICT, "1", "东山"),
    area("12", "西河区", DISTRICT, "1", "西河"),
    area("111", "柳树街道", STREET, "11", "柳树"),
    area("121", "柳树镇", STREET, "12", "柳树"),
    area("1111", "花园社区", COMMUNITY, "111", "花园居委会"),
    area("19", "直管镇", STREET, "1"),
]


@pytest.fixture
def gazetteer() -> Gazetteer:
    return Gazetteer.from_records(RECORDS, source="hand", version="1")


def test_the_city_is_the_root(gazetteer: Gazetteer) -> None:
    assert gazetteer.city.name == "甲市"


def test_path_runs_from_the_city_down(gazetteer: Gazetteer) -> None:
    assert [step.name for step in gazetteer.path("1111")] == ["甲市", "东山区", "柳树街道", "花园社区"]


def test_children_are_the_areas_directly_below(gazetteer: Gazetteer) -> None:
    assert {child.code for child in gazetteer.children("1")} == {"11", "12", "19"}
    assert gazetteer.children("1111") == ()


@pytest.mark.parametrize(
    ("code", "above", "within"), [("1111", "11", True), ("11", "11", True), ("11", "12", False)]
)
def test_is_within_is_reflexive(gazetteer: Gazetteer, code: str, above: str, within: bool) -> None:
    assert gazetteer.is_within(code, above) is within


def test_district_of_a_community(gazetteer: Gazetteer) -> None:
    district = gazetteer.district_of("1111")
    assert district is not None and district.code == "11"


def test_a_street_right_below_the_city_has_no_district(gazetteer: Gazetteer) -> None:
    assert gazetteer.district_of("19") is None


def test_named_finds_every_bearer(gazetteer: Gazetteer) -> None:
    assert {found.code for found in gazetteer.named("柳树")} == {"111", "121"}


@pytest.mark.parametrize("surface", ["柳树街道办事处", "柳树街道办", "柳树 街道", "柳树街道"])
def test_named_takes_the_office_for_the_area(gazetteer: Gazetteer, surface: str) -> None:
    assert [found.code for found in gazetteer.named(surface)] == ["111"]


def test_named_of_an_unknown_name_is_empty(gazetteer: Gazetteer) -> None:
    assert gazetteer.named("南海区") == ()


def test_ambiguous_names_are_derived(gazetteer: Gazetteer) -> None:
    assert dict(gazetteer.ambiguous_names()) == {"柳树": ("111", "121")}


def test_content_hash_does_not_depend_on_order_or_label(gazetteer: Gazetteer) -> None:
    other = Gazetteer.from_records(reversed(RECORDS), version="2")
    assert other.content_hash == gazetteer.content_hash


def test_content_hash_changes_with_an_alias(gazetteer: Gazetteer) -> None:
    changed = [*RECORDS[:-1], area("19", "直管镇", STREET, "1", "直管")]
    assert Gazetteer.from_records(changed).content_hash != gazetteer.content_hash


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (area("11", "南山区", DISTRICT, "1"), "used twice"),
        (area("13", "北林区", DISTRICT, "99"), "'99' of 北林区 is missing"),
        (area("2", "乙市", CITY, None), "2 areas have no parent"),
        (area("13", "北林区", DISTRICT, "111"), "stands under"),
        (area("13", "", DISTRICT, "1"), "without code or name"),
        (area("13", "北林区", DISTRICT, "13"), "cycle"),
    ],
)
def test_a_faulty_record_is_refused_by_its_place(wrong: Jurisdiction, complaint: str) -> None:
    with pytest.raises(GazetteerError, match=complaint) as caught:
        Gazetteer.from_records([*RECORDS, wrong])
    assert caught.value.where == "record 8"


def test_a_cycle_of_two_is_refused() -> None:
    wrong = [area("31", "南林街道", STREET, "32"), area("32", "北林街道", STREET, "31")]
    with pytest.raises(GazetteerError, match="cycle"):
        Gazetteer.from_records([*RECORDS, *wrong])


def test_no_records_are_refused() -> None:
    with pytest.raises(GazetteerError, match="0 areas have no parent"):
        Gazetteer.from_records([])
