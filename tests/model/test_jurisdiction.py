from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import PlacedJurisdiction, PlaceStatus
from model.jurisdiction import PlaceResolver
from model.place_names import LearnedName, LearnedPlaces

CITY, DISTRICT, STREET, COMMUNITY = JurisdictionLevel
RESOLVED, AMBIGUOUS, MISSING = PlaceStatus

GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("1", "云州市", CITY, None, ("云州",)),
        Jurisdiction("11", "柳河区", DISTRICT, "1", ("柳河",)),
        Jurisdiction("12", "望湖区", DISTRICT, "1", ("望湖",)),
        Jurisdiction("111", "青石街道", STREET, "11", ("青石",)),
        Jurisdiction("112", "松岗街道", STREET, "11", ("松岗",)),
        Jurisdiction("121", "松岗镇", STREET, "12", ("松岗",)),
        Jurisdiction("122", "和平街道", STREET, "12", ("和平",)),
        Jurisdiction("1111", "杏花社区", COMMUNITY, "111", ("杏花居委会",)),
    ]
)
RESOLVER = PlaceResolver(GAZETTEER)


def resolve(text: str, **fields: str) -> PlacedJurisdiction:
    return RESOLVER.resolve(Ticket("t", text, **fields))


def code(placed: PlacedJurisdiction) -> str | None:
    return placed.jurisdiction.code if placed.jurisdiction else None


def with_learned(*names: LearnedName) -> PlaceResolver:
    return PlaceResolver(GAZETTEER, LearnedPlaces(names))


def test_a_street_names_its_district() -> None:
    placed = resolve("市民反映：青石街道路灯不亮")
    assert (placed.status, code(placed)) == (RESOLVED, "111")
    assert [area.name for area in placed.path] == ["云州市", "柳河区", "青石街道"]


def test_a_community_names_its_street() -> None:
    assert code(resolve("市民反映：杏花居委会不开证明")) == "1111"


def test_a_stem_is_enough() -> None:
    assert code(resolve("市民反映：柳河这边停水")) == "11"


def test_nothing_found_is_missing() -> None:
    placed = resolve("市民反映：路灯不亮")
    assert (placed.status, placed.jurisdiction, placed.path, placed.score) == (MISSING, None, (), 0.0)


def test_the_city_alone_is_missing() -> None:
    assert resolve("市民反映：云州市公交票价贵").status is MISSING


def test_a_road_named_after_a_district_is_no_place() -> None:
    assert resolve("市民反映：柳河大道路灯不亮").status is MISSING


def test_a_road_does_not_outweigh_a_district() -> None:
    assert code(resolve("市民反映：望湖区柳河大道路灯不亮")) == "12"


def test_an_ordinary_word_is_no_place() -> None:
    assert resolve("市民反映：希望双方和平解决").status is MISSING


def test_an_ordinary_word_with_its_kind_is_a_place() -> None:
    assert code(resolve("市民反映：和平街道路灯不亮")) == "122"


def test_a_shared_stem_is_ambiguous() -> None:
    placed = resolve("市民反映：松岗这边停水")
    assert placed.status is AMBIGUOUS
    assert {area.code for area in placed.options} == {"112", "121"}
    assert 0 < placed.score < 1


def test_a_shared_stem_is_settled_by_the_district_in_the_text() -> None:
    assert code(resolve("市民反映：望湖区的松岗这边停水")) == "121"


def test_a_shared_stem_is_settled_by_the_callers_district() -> None:
    assert code(resolve("市民反映：松岗这边停水", district="柳河区")) == "112"


def test_a_shared_stem_is_settled_by_the_address() -> None:
    assert code(resolve("市民反映：松岗这边停水", address="云州市望湖区3号")) == "121"


def test_a_stated_district_outweighs_the_text() -> None:
    assert code(resolve("市民反映：柳河区停水", district="望湖区")) == "12"


def test_the_title_counts() -> None:
    assert code(resolve("市民反映停水", title="望湖区停水")) == "12"


def test_where_the_caller_lives_gives_way() -> None:
    assert code(resolve("市民家住柳河区，反映望湖区一商场不退款")) == "12"


def test_where_the_caller_lives_counts_if_there_is_nothing_else() -> None:
    assert code(resolve("市民家住柳河区，反映小区停水")) == "11"


@pytest.mark.parametrize(
    "text", ["在柳河区与望湖区交界处", "反映柳河区和望湖区互相推诿", "柳河区、望湖区之间的路"]
)
def test_two_places_are_ambiguous(text: str) -> None:
    placed = resolve(text)
    assert placed.status is AMBIGUOUS
    assert {area.code for area in placed.options} == {"11", "12"}


def test_two_streets_of_a_district_leave_the_district() -> None:
    placed = resolve("青石街道与柳河区松岗街道交界处")
    assert (placed.status, code(placed)) == (AMBIGUOUS, "11")
    assert {area.code for area in placed.options} == {"111", "112"}


def test_a_place_opposite_something_of_its_own_area_is_settled() -> None:
    assert code(resolve("在柳河区政府对面")) == "11"


def test_another_citys_name_is_not_ours() -> None:
    assert resolve("市民反映：三亚市望湖区停水").status is MISSING


def test_a_market_is_no_city() -> None:
    assert resolve("市民反映：云州市场肉价上涨").status is MISSING


@pytest.mark.parametrize(
    "text", ["⻘石街道停水", "青石\u200b街道停水", "青石街道停水".replace("街", "街\x00")]
)
def test_odd_characters_are_folded(text: str) -> None:
    assert code(resolve(text)) == "111"


def test_traditional_characters_are_folded() -> None:
    assert code(resolve("柳河區停水")) == "11"


def test_a_text_full_of_names_is_read_in_good_time() -> None:
    started = time.process_time()
    assert code(resolve("柳河区" * 6000)) == "11"
    assert time.process_time() - started < 1


def test_evidence_is_cut_from_the_callers_text() -> None:
    text = "市民反映：柳河區\u200b青石街道停水"
    placed = resolve(text)
    assert [span.text for span in placed.evidence] == ["柳河區", "青石街道"]
    assert all(text[span.start : span.end] == span.text for span in placed.evidence)


def test_an_address_leaves_no_span_in_the_text() -> None:
    assert resolve("市民反映停水", address="柳河区").evidence == ()


def test_a_learned_name_gives_the_district() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 9, {"11": 0.93, "12": 0.03}))
    placed = resolver.resolve(Ticket("t", "市民反映：彩虹小区停水"))
    assert (placed.status, code(placed)) == (RESOLVED, "11")
    assert [span.text for span in placed.evidence] == ["彩虹小区"]


def test_a_learned_name_gives_way_to_a_district_in_the_text() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 9, {"11": 0.9}))
    assert code(resolver.resolve(Ticket("t", "市民反映：望湖区彩虹小区停水"))) == "12"


def test_a_learned_name_of_small_support_settles_no_street() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 3, {"11": 0.95, "111": 0.95}))
    assert code(resolver.resolve(Ticket("t", "市民反映：彩虹小区停水"))) == "11"


def test_a_learned_name_of_high_support_and_purity_settles_a_street() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 30, {"11": 0.97, "111": 0.95}))
    assert code(resolver.resolve(Ticket("t", "市民反映：彩虹小区停水"))) == "111"


def test_learned_names_that_disagree_are_ambiguous() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 9, {"11": 0.9}), LearnedName("明月广场", 9, {"12": 0.9}))
    assert resolver.resolve(Ticket("t", "彩虹小区到明月广场的公交")).status is AMBIGUOUS


def test_learned_names_of_another_gazetteer_are_left_out() -> None:
    resolver = with_learned(LearnedName("彩虹小区", 9, {"99": 0.9}))
    assert resolver.resolve(Ticket("t", "彩虹小区停水")).status is MISSING


def test_reading_gives_the_share_of_each_area() -> None:
    reading = RESOLVER.read(Ticket("t", "柳河区青石街道"))
    assert reading.posterior["11"] > 0.9
    assert reading.posterior["111"] > 0.9
    assert reading.posterior["111"] <= reading.posterior["11"]


@pytest.mark.parametrize("text", ["", "😀😀", "\x00\x00", "云" * 20_000])
def test_extreme_texts_are_read(text: str) -> None:
    assert 0 <= resolve(text).score <= 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from("柳河区望湖青石松岗街道镇与和的在，。 家住路\u200b⻘x1三亚市"), max_size=30).map(
        "".join
    )
)
def test_every_span_lies_in_the_text(text: str) -> None:
    placed = resolve(text)
    assert 0 <= placed.score <= 1
    assert all(text[span.start : span.end] == span.text for span in placed.evidence)
    assert (placed.status is AMBIGUOUS) == bool(placed.options)
