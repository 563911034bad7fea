from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pytest
import yaml

import data.gazetteer
from data.gazetteer.build import build_gazetteer
from data.gazetteer.errors import GazetteerError, UnknownCityError
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import JurisdictionLevel
from data.gazetteer.national import prefecture_names

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jionlp") is None, reason="the national table comes with jionlp"
)
HEADER = "code,name,level,parent,aliases\n"


@cache
def built(city: str) -> Gazetteer:
    return build_gazetteer(city)


def paths(gazetteer: Gazetteer, name: str) -> list[str]:
    return ["/".join(step.name for step in gazetteer.path(area.code)) for area in gazetteer.named(name)]


def test_haikou_has_its_four_districts() -> None:
    haikou = built("海口市")
    assert {area.name for area in haikou.children(haikou.city.code)} == {
        "秀英区",
        "龙华区",
        "琼山区",
        "美兰区",
    }


def test_codes_of_the_upper_levels_are_the_official_ones() -> None:
    assert built("海口市")["460106"].name == "龙华区"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("海垦街道办", "海口市/龙华区/海垦街道"),
        ("海府路街道办", "海口市/美兰区/海府街道"),
        ("中山街道办事处", "海口市/龙华区/中山街道"),
        ("灵山镇人民政府", "海口市/美兰区/灵山镇"),
        ("海口桂林洋经济开发区", "海口市/美兰区/海口桂林洋经济开发区"),
        ("金牛岭居委会", "海口市/龙华区/海垦街道/金牛岭社区"),
    ],
)
def test_offices_of_haikou_are_found(name: str, path: str) -> None:
    assert paths(built("海口市"), name) == [path]


def test_a_municipality_is_its_own_city() -> None:
    beijing = built("北京市")
    assert beijing.city.code == "110000"
    assert sum(area.level is JurisdictionLevel.DISTRICT for area in beijing) == 16


@pytest.mark.parametrize("city", ["东莞市", "中山市", "儋州市", "嘉峪关市"])
def test_a_city_without_districts_has_streets_right_below(city: str) -> None:
    gazetteer = built(city)
    levels = {area.level for area in gazetteer.children(gazetteer.city.code)}
    assert levels == {JurisdictionLevel.SUBDISTRICT}


def test_a_county_level_city_can_be_the_root() -> None:
    assert built("文昌市").city.code == "469005"


def test_the_ending_may_be_left_out() -> None:
    assert build_gazetteer("儋州").city.name == "儋州市"


def test_an_unknown_city_gets_the_nearest_names() -> None:
    with pytest.raises(UnknownCityError, match="Did you mean") as caught:
        build_gazetteer("海扣市")
    assert "海口市" in caught.value.nearest


def test_a_name_of_several_counties_is_refused() -> None:
    with pytest.raises(GazetteerError, match="places of the national table are called '鼓楼区'"):
        build_gazetteer("鼓楼区")


def test_codes_are_the_same_each_time() -> None:
    assert build_gazetteer("海口市").content_hash == built("海口市").content_hash


def test_former_names_of_jionlp_are_aliases() -> None:
    assert paths(built("成都市"), "新津县") == ["成都市/新津区"]


def test_a_merged_district_leads_to_its_successor() -> None:
    assert paths(built("北京市"), "崇文区") == ["北京市/东城区"]


def test_no_stem_is_one_character() -> None:
    assert min(map(len, built("北京市").surfaces())) >= 2


@pytest.mark.parametrize("file", ["renames.yaml", "nicknames.yaml"])
def test_every_entry_of_the_name_files_reaches_its_area(file: str) -> None:
    content = yaml.safe_load((Path(data.gazetteer.__file__).parent / file).read_text(encoding="utf-8"))
    lost = []
    for city, entries in content.items():
        surfaces = built(city).surfaces()
        pairs = (
            [(old, new) for old, new in entries.items()]
            if file == "renames.yaml"
            else [(name, area) for area, names in entries.items() for name in names]
        )
        for name, area in pairs:
            bearers = {built(city)[code].name for code in surfaces.get(name, ())}
            if area.split("/")[-1] not in bearers:
                lost.append((city, name, area))
    assert lost == []


def test_every_prefecture_can_be_built() -> None:
    names = prefecture_names()
    assert len(names) > 300
    for city in names[::25]:
        assert len(built(city)) > 3, city


def write_extra(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "extra.csv"
    file.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_an_extra_is_added_below_a_parent_given_by_name(tmp_path: Path) -> None:
    extra = write_extra(tmp_path, ",高新技术产业开发区,subdistrict,秀英区,高新区")
    assert paths(build_gazetteer("海口市", extra=extra), "高新区") == ["海口市/秀英区/高新技术产业开发区"]


def test_an_extra_with_a_known_code_renames(tmp_path: Path) -> None:
    gazetteer = build_gazetteer("海口市", extra=write_extra(tmp_path, "460106,新龙华区,district,460100,"))
    assert gazetteer["460106"].name == "新龙华区"
    assert paths(gazetteer, "龙华区") == ["海口市/新龙华区"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["x1,甲街道,subdistrict,没有的区,"], "missing"),
        (["x1,甲街道,subdistrict,460106,", "x1,乙街道,subdistrict,460106,"], "used twice"),
        (["460106,龙华区,district,460105,", "460105,秀英区,district,460106,"], "cycle"),
        (["x1,甲街道,town,460106,"], "level 'town'"),
    ],
)
def test_a_faulty_extra_is_named_by_its_line(tmp_path: Path, lines: list[str], complaint: str) -> None:
    with pytest.raises(GazetteerError, match=complaint) as caught:
        build_gazetteer("海口市", extra=write_extra(tmp_path, *lines))
    assert "extra.csv line" in (caught.value.where or "")
