from __future__ import annotations

import pytest

from data.gazetteer.jurisdiction import JurisdictionLevel
from data.gazetteer.names import derive_aliases, is_weak, strip_office

CITY, DISTRICT, STREET, COMMUNITY = JurisdictionLevel


@pytest.mark.parametrize(
    ("name", "level", "stem"),
    [
        ("朝阳区", DISTRICT, "朝阳"),
        ("海口市", CITY, "海口"),
        ("浦东新区", DISTRICT, "浦东"),
        ("彭水苗族土家族自治县", DISTRICT, "彭水"),
        ("海垦街道", STREET, "海垦"),
        ("城西镇", STREET, "城西"),
        ("常营回族乡", STREET, "常营"),
        ("梨园地区", STREET, "梨园镇"),
        ("北湖街街道", STREET, "北湖街道"),
        ("人民路街道", STREET, "人民街道"),
        ("真如镇街道", STREET, "真如"),
        ("柏泉办事处街道", STREET, "柏泉街道"),
        ("国营红明农场", STREET, "红明农场"),
        ("花园社区", COMMUNITY, "花园居委会"),
        ("洗马桥社区", COMMUNITY, "洗马桥"),
    ],
)
def test_stem(name: str, level: JurisdictionLevel, stem: str) -> None:
    assert stem in derive_aliases(name, level)


def test_a_zone_loses_the_city_and_its_kind() -> None:
    aliases = derive_aliases("海口桂林洋经济开发区", STREET, city_stem="海口")
    assert aliases == ("桂林洋经济开发区", "桂林洋开发区", "桂林洋")


@pytest.mark.parametrize(
    ("name", "level"), [("矿区", DISTRICT), ("郊区", DISTRICT), ("彭镇", STREET), ("张乡", STREET)]
)
def test_one_character_is_no_stem(name: str, level: JurisdictionLevel) -> None:
    assert derive_aliases(name, level) == ()


def test_a_short_community_has_no_stem() -> None:
    assert "花园" not in derive_aliases("花园社区", COMMUNITY)


def test_a_community_called_after_a_road_has_no_stem() -> None:
    assert "文昌路" not in derive_aliases("文昌路社区", COMMUNITY)


def test_a_name_is_not_its_own_alias() -> None:
    assert "朝阳区" not in derive_aliases("朝阳区", DISTRICT, given=("朝阳区", "朝阳"))


@pytest.mark.parametrize("word", ["中山", "和平", "新华", "解放", "人民", "城西", "留下", "文昌路"])
def test_ordinary_words_and_roads_are_weak(word: str) -> None:
    assert is_weak(word)


@pytest.mark.parametrize("word", ["海垦", "府城", "望京"])
def test_names_of_their_own_are_not_weak(word: str) -> None:
    assert not is_weak(word)


@pytest.mark.parametrize(("word", "weak"), [("东城", False), ("朝阳", False), ("和平", True)])
def test_fewer_words_are_weak_as_a_district(word: str, weak: bool) -> None:
    assert is_weak(word, district=True) is weak


@pytest.mark.parametrize(
    ("office", "name"),
    [
        ("海垦街道办事处", "海垦街道"),
        ("海垦街道办", "海垦街道"),
        ("城西镇人民政府", "城西镇"),
        ("金牛岭居委会", "金牛岭社区"),
        ("金牛岭社区居委会", "金牛岭社区"),
        ("高坡村委会", "高坡村"),
        ("高坡村村民委员会", "高坡村"),
        ("桂林洋经济开发区管委会", "桂林洋经济开发区"),
        ("朝阳区", "朝阳区"),
    ],
)
def test_strip_office(office: str, name: str) -> None:
    assert strip_office(office) == name
