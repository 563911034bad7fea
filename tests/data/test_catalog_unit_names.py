"""Unit names are taken apart into what a unit does and where."""

from __future__ import annotations

import pytest

from data.catalog.unit_names import named_areas, split_unit_name
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

CITY, DISTRICT, STREET = JurisdictionLevel.CITY, JurisdictionLevel.DISTRICT, JurisdictionLevel.SUBDISTRICT
HAIKOU = Gazetteer.from_records(
    [
        Jurisdiction("c", "海口市", CITY, None, ("海口",)),
        Jurisdiction("lh", "龙华区", DISTRICT, "c", ("龙华", "新华区")),
        Jurisdiction("qs", "琼山区", DISTRICT, "c", ("琼山",)),
        Jurisdiction("ml", "美兰区", DISTRICT, "c", ("美兰",)),
        Jurisdiction("xy", "秀英区", DISTRICT, "c", ("秀英",)),
        Jurisdiction("hk", "海垦街道", STREET, "lh", ("海垦",)),
        Jurisdiction("zs", "中山街道", STREET, "lh", ("中山", "中山路街道")),
        Jurisdiction("yl", "云龙镇", STREET, "qs", ("云龙",)),
        Jurisdiction("hf", "海府街道", STREET, "ml", ("海府", "海府路街道", "海府路")),
        Jurisdiction("xys", "秀英街道", STREET, "xy", ("秀英",)),
        Jurisdiction("hxj", "海秀街道", STREET, "xy", ("海秀",)),
        Jurisdiction("hxz", "海秀镇", STREET, "xy", ("海秀",)),
        Jurisdiction("gly", "海口桂林洋经济开发区", STREET, "ml", ("桂林洋经济开发区", "桂林洋")),
        Jurisdiction("t1", "团结街道", STREET, "lh", ("团结",)),
        Jurisdiction("t2", "团结街道", STREET, "qs", ("团结",)),
    ]
)


@pytest.mark.parametrize(
    ("name", "family", "area", "kind"),
    [
        ("龙华区城管局", "城管局", "lh", "district_bureau"),
        ("海口市龙华区市政维修管理中心", "市政维修管理中心", "lh", "district_bureau"),
        ("新华区物价局", "物价局", "lh", "district_bureau"),
        ("海口市秀英区劳动保障监察大队", "劳动保障监察大队", "xy", "district_bureau"),
        ("市公安局龙华分局", "公安局分局", "lh", "district_bureau"),
        ("海口市公安局琼山分局", "公安局分局", "qs", "district_bureau"),
        ("龙华区海垦街道办", "街镇", "hk", "subdistrict_office"),
        ("海口市龙华区中山街道办事处", "街镇", "zs", "subdistrict_office"),
        ("海垦街道办事处", "街镇", "hk", "subdistrict_office"),
        ("海垦办事处", "街镇", "hk", "subdistrict_office"),
        ("琼山区云龙镇政府", "街镇", "yl", "subdistrict_office"),
        ("琼山区云龙镇人民政府", "街镇", "yl", "subdistrict_office"),
        ("美兰区海府路街道办", "街镇", "hf", "subdistrict_office"),
        ("秀英区秀英街道办", "街镇", "xys", "subdistrict_office"),
        ("秀英区海秀街道办", "街镇", "hxj", "subdistrict_office"),
        ("秀英区海秀镇人民政府", "街镇", "hxz", "subdistrict_office"),
        ("海口桂林洋经济开发区", "街镇", "gly", "subdistrict_office"),
        ("桂林洋经济开发区管委会", "街镇", "gly", "subdistrict_office"),
        ("云龙镇派出所", "派出所", "yl", "subdistrict_office"),
        ("琼山区团结街道办", "街镇", "t2", "subdistrict_office"),
        ("团结街道办", "团结街道办", "c", "city_department"),
        ("市公安局", "公安局", "c", "city_department"),
        ("海口市水务局", "水务局", "c", "city_department"),
        ("海口工商局", "工商局", "c", "city_department"),
        ("市政府", "政府", "c", "city_department"),
        ("市民政局", "民政局", "c", "city_department"),
        ("市政管理局", "市政管理局", "c", "city_department"),
        ("市民云支撑组", "市民云支撑组", "c", "city_department"),
        ("市委宣传部", "市委宣传部", "c", "city_department"),
        ("市燃气管理办", "燃气管理办", "c", "city_department"),
        ("海口供电局", "供电局", "c", "public_service_company"),
        ("海口威立雅水务有限公司", "威立雅水务有限公司", "c", "public_service_company"),
        ("海口美兰国际机场", "美兰国际机场", "c", "public_service_company"),
        ("海口市琼山城市建设投资有限公司", "城市建设投资有限公司", "qs", "public_service_company"),
        ("秀英区城投公司", "城投公司", "xy", "public_service_company"),
        ("滴滴出行", "滴滴出行", "c", "platform_company"),
        (" 龙华区 城管局 ", "城管局", "lh", "district_bureau"),
    ],
)
def test_a_name_gives_family_place_and_kind(name: str, family: str, area: str, kind: str) -> None:
    found = split_unit_name(name, HAIKOU)
    assert (found.family, found.jurisdiction.code, found.kind) == (family, area, kind)


@pytest.mark.parametrize(
    ("name", "codes"),
    [("海口美兰国际机场", {"ml"}), ("市公安局", set()), ("龙华区海垦街道办", {"lh", "hk"})],
)
def test_the_loose_reading_finds_every_name_and_stem(name: str, codes: set[str]) -> None:
    assert {area.code for area in named_areas(name, HAIKOU)} == codes


def test_a_city_without_districts_places_its_towns() -> None:
    dongguan = Gazetteer.from_records(
        [
            Jurisdiction("c", "东莞市", CITY, None, ("东莞",)),
            Jurisdiction("hm", "虎门镇", STREET, "c", ("虎门",)),
        ]
    )
    found = split_unit_name("东莞市虎门镇人民政府", dongguan)
    assert (found.family, found.jurisdiction.code) == ("街镇", "hm")
