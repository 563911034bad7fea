"""Spellings of one family are proposed, judged by a person, and applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from data.catalog.family_names import likeness, spelled_out
from data.catalog.variants import (
    Variant,
    VariantsError,
    dump_variants,
    kept_names,
    load_variants,
    propose_variants,
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("住建局", "住房和城乡建设局"),
        ("环保局", "环境保护局"),
        ("环保局", "生态环境保护局"),
        ("城管局", "城市管理行政执法局"),
        ("物价监督检查局", "物价局"),
        ("劳动监察大队", "劳动保障监察大队"),
        ("人社局", "人力资源和社会保障局"),
        ("文体局", "文化体育和旅游发展局"),
        ("食药监局", "食品药品监督管理局"),
        ("园林局", "园林管理局"),
        ("发改委", "发展和改革委员会"),
        ("计生委", "人口计划生育委员会"),
        ("残联", "残疾人联合会"),
        ("政府办", "政府办公室"),
        ("旅游局", "旅游发展委员会"),
    ],
)
def test_known_spellings_of_one_family_are_alike(first: str, second: str) -> None:
    assert likeness(first, second)
    assert likeness(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("教育局", "民政局"),
        ("水务局", "水务集团公司"),
        ("国土资源局", "国土资源执法大队"),
        ("城管局", "城建局"),
        ("住房保障中心", "住房和城乡建设局"),
        ("商务局", "政务中心"),
    ],
)
def test_other_families_are_not_alike(first: str, second: str) -> None:
    assert not likeness(first, second)


def test_a_short_form_is_spelled_out_once() -> None:
    assert spelled_out("住建局") == "住房和城乡建设局"
    assert spelled_out("环境保护局") == "环境保护局"


def same(value: float) -> object:
    def similarity(pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], float]:
        return dict.fromkeys(pairs, value)

    return similarity


SIZES = {"城管局": 100, "城市管理行政执法局": 40, "执法队": 30, "教育局": 30, "民政局": 3}
PLACES = {name: frozenset({name}) for name in SIZES}


def proposed(
    value: float = 0.0, places: Mapping[str, frozenset[str]] = PLACES, *decided: Variant
) -> list[set[str]]:
    found = propose_variants(SIZES, places, same(value), decided)  # type: ignore[arg-type]
    return [set(variant.families) for variant in found if variant.accept is None]


def test_alike_names_are_proposed_the_more_frequent_first() -> None:
    (found,) = propose_variants(SIZES, PLACES, same(0.25))  # type: ignore[arg-type]
    assert (found.families, found.similarity, found.accept) == (("城管局", "城市管理行政执法局"), 0.25, None)
    assert found.why


def test_two_names_in_one_place_are_never_proposed() -> None:
    assert proposed(0.0, dict.fromkeys(SIZES, frozenset({"东区"}))) == []


def test_like_tickets_are_a_reason_if_both_have_enough() -> None:
    found = proposed(0.9)
    assert {"执法队", "教育局"} in found
    assert not any("民政局" in pair for pair in found)


def test_what_was_judged_is_kept_and_not_proposed_again() -> None:
    refused = Variant(("城管局", "城市管理行政执法局"), 0.5, "x", accept=False)
    found = propose_variants(SIZES, PLACES, same(0.0), [refused])  # type: ignore[arg-type]
    assert found == [refused]


def test_a_family_stands_in_the_places_of_all_its_spellings() -> None:
    accepted = Variant(("执法队", "教育局"), 0.5, "x", accept=True)
    places = {**PLACES, "教育局": frozenset({"东区"}), "城管局": frozenset({"东区"})}
    assert {"城管局", "执法队"} in proposed(0.9, places)
    assert {"城管局", "执法队"} not in proposed(0.9, places, accepted)


def test_the_most_frequent_of_all_joined_names_is_kept() -> None:
    variants = [
        Variant(("丙", "乙"), 0, "", accept=True),
        Variant(("乙", "甲"), 0, "", accept=True),
        Variant(("甲", "丁"), 0, "", accept=False),
        Variant(("甲", "戊"), 0, ""),
    ]
    assert kept_names(variants, {"甲": 1, "乙": 3, "丙": 2, "丁": 9, "戊": 9}) == {"甲": "乙", "丙": "乙"}


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    variants = (
        Variant(("甲", "乙"), 0.5, "why", accept=True),
        Variant(("甲", "丙"), 0.25, "", accept=None),
        Variant(("no", "1"), 0.0, "", accept=False),
    )
    (tmp_path / "v.yaml").write_text(dump_variants(variants), "utf-8")
    assert load_variants(tmp_path / "v.yaml") == variants


def test_an_empty_file_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text(dump_variants([]), "utf-8")
    assert load_variants(tmp_path / "v.yaml") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n", "holds no list"),
        ("- a\n", "entry 1: is no mapping"),
        ("- families: [a, b]\n  acept: true\n", "entry 1: unknown key 'acept'"),
        ("- families: [a]\n", "entry 1: families are not two names"),
        ("- families: [a, a]\n", "entry 1: both names are the same"),
        ("- families: [a, b]\n  accept: 是\n", "entry 1: accept is '是'"),
        ("- families: [a, b]\n  similarity: x\n", "entry 1: similarity is 'x'"),
        (
            "- {families: [a, b], accept: true}\n- {families: [b, a], accept: false}\n",
            "b / a is both accepted and refused",
        ),
        ("- [\n", "line 2: not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "v.yaml").write_text(text, "utf-8")
    with pytest.raises(VariantsError) as caught:
        load_variants(tmp_path / "v.yaml")
    assert message in str(caught.value)


def test_a_decision_stands_over_an_open_entry_for_the_same_pair(tmp_path: Path) -> None:
    entries = "- {families: [a, b], accept: null}\n- {families: [b, a], accept: false}\n"
    (tmp_path / "v.yaml").write_text(entries, "utf-8")
    assert [variant.accept for variant in load_variants(tmp_path / "v.yaml")] == [False]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(VariantsError, match=r"cannot be read \(No such file"):
        load_variants(tmp_path / "v.yaml")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_bytes("- 甲".encode("gb18030"))
    with pytest.raises(VariantsError, match="is not UTF-8"):
        load_variants(tmp_path / "v.yaml")


def test_the_decisions_for_haikou_can_be_read() -> None:
    path = Path(__file__).parents[2] / "configs" / "catalog" / "haikou_variants.yaml"
    variants = load_variants(path)
    assert {"住房和城乡建设局", "住建局"} in [set(v.families) for v in variants if v.accept]
    assert [v.families for v in variants if v.accept is None] == []
