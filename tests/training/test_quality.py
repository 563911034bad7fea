"""The checks of past tickets, on invented ones."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest
import yaml
from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.catalog.folder import save_catalog
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.columns import ColumnMapping
from training.errors import TrainingError
from training.quality.check import QualityCheck, check_quality
from training.quality.choose import spread_out
from training.quality.cli import app
from training.quality.label_suspects import find_suspects
from training.quality.leakage import Leak
from training.quality.minhash import near_duplicate_groups, signatures
from training.quality.settings import QualitySettings, load_quality_settings
from training.quality.unit_check import UnitState

ROOT = Path(__file__).parents[2]
BUREAU = DepartmentKind.DISTRICT_BUREAU
WORDS = {"城管": "摊贩占道油烟垃圾违建", "水务": "停水水管漏水水压水费"}


def _catalog() -> Catalog:
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records(
            [
                Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
                Jurisdiction("d", "东湖区", JurisdictionLevel.DISTRICT, "c"),
            ]
        ),
        departments=[
            Department("城管", "东湖区城管局", BUREAU, "城管", "d"),
            Department("水务", "东湖区水务局", BUREAU, "水务", "d", predecessors=("水利",)),
            Department("水利", "东湖区水利局", BUREAU, "水务", "d", effective_to=date(2026, 1, 1)),
            Department("旧局", "东湖区旧事局", BUREAU, "城管", "d", effective_to=date(2026, 1, 1)),
        ],
        families=[Family("城管", "摊贩、油烟", ("城管局",)), Family("水务", "供水", ("水务局",))],
    )


def _file(folder: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """Write tickets of (text, unit), one a day."""
    path = folder / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        for number, (text, unit) in enumerate(rows):
            writer.writerow([f"T{number}", text, datetime(2026, 1, 1) + timedelta(days=number), unit])
    return path


def _check(folder: Path, rows: Sequence[tuple[str, str]], **rest: date) -> QualityCheck:
    return check_quality(
        _file(folder, rows), ColumnMapping.identity(), _catalog(), load_quality_settings(), **rest
    )


# --- settings -------------------------------------------------------------------


def test_the_yaml_and_the_schema_hold_the_same_settings() -> None:
    content = yaml.safe_load((ROOT / "configs" / "quality.yaml").read_text("utf-8"))
    assert content == load_quality_settings().model_dump()
    assert all(field.is_required() for field in QualitySettings.model_fields.values())


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text("folded: 3\n")
    with pytest.raises(TrainingError, match="folded"):
        load_quality_settings(path)


# --- units ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state", "unit"),
    [
        ("东湖区城管局", UnitState.KNOWN, "城管"),
        ("东湖区水利局", UnitState.INHERITED, "水务"),
        ("水利", UnitState.INHERITED, "水务"),
        ("东湖区旧事局", UnitState.RETIRED, None),
        ("没有的局", UnitState.UNKNOWN, None),
        ("", UnitState.MISSING, None),
    ],
)
def test_a_unit_is_looked_up_through_the_catalogs_history(
    tmp_path: Path, name: str, state: UnitState, unit: str | None
) -> None:
    found = _check(tmp_path, [("路口的摊贩占道经营", name)]).units
    assert [(named.state, named.unit) for named in found.named] == [(state, unit)]
    assert [found.codes[i] if i >= 0 else None for i in found.units] == [unit]


def test_a_misspelt_unit_gets_a_proposal(tmp_path: Path) -> None:
    (named,) = _check(tmp_path, [("路口的摊贩占道经营", "东湖区城管居")]).units.named
    assert named.proposed == "城管"


# --- near-duplicates ------------------------------------------------------------


def _groups(texts: Sequence[str], similarity: float = 0.7) -> list[int]:
    signed = signatures(texts, permutations=128, shingle_length=3, seed=1)
    return near_duplicate_groups(signed, similarity).tolist()


LONG = "昨天晚上八点以后，小区东门外的烧烤摊把桌子摆到了马路中间，油烟飘进楼里，老人和孩子都睡不着"


def test_texts_that_differ_in_digits_and_a_word_are_one_group() -> None:
    assert _groups([LONG, "公交车等了很久不来", f"{LONG}，请来管一管", LONG.replace("八点", "20点")]) == [
        0,
        1,
        0,
        0,
    ]


def test_a_group_is_led_on_through_its_members() -> None:
    texts = [LONG[start : start + 30] + "还有一点别的" for start in range(0, 6, 2)]
    assert len(set(_groups(texts, 0.6))) == 1


def test_texts_of_other_words_stay_apart() -> None:
    draw = random.Random(3)
    texts = ["".join(chr(draw.randint(0x4E00, 0x9000)) for _ in range(60)) for _ in range(300)]
    assert _groups(texts) == list(range(300))


def test_short_and_wordless_texts_have_signatures() -> None:
    assert _groups(["好", "好", "123", "456"]) == [0, 0, 2, 3]


def test_the_same_seed_gives_the_same_signatures() -> None:
    first, second = (signatures([LONG], permutations=16, shingle_length=3, seed=5) for _ in range(2))
    assert np.array_equal(first, second)


def test_estimated_similarity_is_near_the_true_one() -> None:
    other = LONG[:30] + "".join(reversed(LONG[30:]))
    first, second = signatures([LONG, other], permutations=512, shingle_length=3, seed=1)
    shingles = [
        {t[i : i + 3] for i in range(len(t) - 2)} for t in (LONG.replace("，", ""), other.replace("，", ""))
    ]
    true = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    assert (first == second).mean() == pytest.approx(true, abs=0.08)


def test_groups_that_cross_the_split_or_contradict_are_told(tmp_path: Path) -> None:
    rows = [
        (LONG, "城管"),
        ("水管漏水两天了没有人来修", "水务"),
        (f"{LONG}！", "水务"),
        (f"{LONG}。请管", "城管"),
    ]
    found = _check(tmp_path, rows, until=date(2026, 1, 2)).duplicates
    (group,) = found.groups()
    assert group.places.tolist() == [0, 2, 3]
    assert (group.crosses, group.contradicts) == (True, True)
    assert found.earlier.tolist() == [0, 1, 2, 3]  # as a whole on the side of its first


# --- leakage --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("路口有摊贩占道。请东湖区城管局核实处理。", Leak.CLAUSE),
        ("路口有摊贩占道。请城管局核实处理。", Leak.CLAUSE),
        ("东湖区城管局来过，摊贩还在。", Leak.WORDS),
        ("路口有摊贩占道。请水务局核实处理。", None),
        ("路口有摊贩占道。", None),
    ],
)
def test_a_text_that_names_its_unit_is_found(tmp_path: Path, text: str, leak: Leak | None) -> None:
    found = _check(tmp_path, [(text, "城管")]).leakage
    assert [naming.leak for naming in found.naming] == ([] if leak is None else [leak])


# --- classes --------------------------------------------------------------------


def test_a_small_class_says_what_it_shares(tmp_path: Path) -> None:
    rows = [(f"第{word}条街的摊贩占道经营", "城管") for word in "甲乙丙丁戊己庚辛壬癸子丑"]
    (small,) = _check(tmp_path, rows).small
    assert (small.unit, small.tickets, small.family_tickets, small.place_tickets) == ("水务", 0, 0, 12)


# --- suspected labels -----------------------------------------------------------


def test_flipped_labels_come_first() -> None:
    draw = random.Random(1)
    families = list(WORDS)
    labels = np.array([draw.randrange(2) for _ in range(200)])
    texts = ["".join(draw.choices(WORDS[families[label]], k=12)) for label in labels]
    wrong = draw.sample(range(200), 10)
    labels[wrong] = 1 - labels[wrong]
    settings = load_quality_settings().model_copy(update={"work_list_share": 0.05})
    found = find_suspects(texts, labels, families, _catalog(), settings)
    assert set(found.places.tolist()) == set(wrong)
    assert found.suggested[wrong].tolist() == (1 - labels[wrong]).tolist()


def test_too_few_tickets_are_not_judged() -> None:
    with pytest.raises(TrainingError, match="2 tickets of 1 units"):
        find_suspects(["一", "二"], np.zeros(2, np.int64), ["城管"], _catalog(), load_quality_settings())


# --- choosing -------------------------------------------------------------------


def test_one_vector_of_each_heap_is_chosen() -> None:
    generator = np.random.default_rng(1)
    heaps = np.repeat(np.eye(4, 8, dtype=np.float32), 20, axis=0)
    vectors = heaps + generator.normal(0, 0.01, heaps.shape).astype(np.float32)
    chosen = spread_out(vectors, np.ones(80, dtype=np.float32), 4, seed=1)
    assert sorted((chosen // 20).tolist()) == [0, 1, 2, 3]


def test_few_vectors_are_all_chosen() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert spread_out(vectors, np.ones(3, dtype=np.float32), 5, seed=1).tolist() == [0, 1, 2]


# --- commands -------------------------------------------------------------------


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_check_writes_a_report_and_lists(tmp_path: Path) -> None:
    save_catalog(_catalog(), tmp_path / "catalog")
    path = _file(tmp_path, [(LONG, "城管"), (f"{LONG}！", "水务"), ("停水两天", "没有的局")])
    _run("check", path, "--catalog", tmp_path / "catalog", "--output", tmp_path / "out")
    assert {found.name for found in (tmp_path / "out").iterdir()} == {
        *("quality.md", "quality.json", "units.csv", "duplicates.csv", "leakage.csv", "small_classes.csv")
    }
    content = orjson.loads((tmp_path / "out" / "quality.json").read_bytes())
    assert content["units"]["unknown"] == 1
    assert content["duplicates"]["contradicting_groups"] == 1


def test_the_work_list_has_no_text_and_the_desks_lines_do(tmp_path: Path) -> None:
    save_catalog(_catalog(), tmp_path / "catalog")
    draw = random.Random(1)
    rows = [
        ("".join(draw.choices(WORDS[family], k=12)), family) for family in draw.choices(list(WORDS), k=80)
    ]
    path = _file(tmp_path, rows)
    catalog, desk = tmp_path / "catalog", tmp_path / "desk.jsonl"
    _run("labels", path, "--catalog", catalog, "--output", tmp_path / "out", "--to-desk", desk)
    listed = (tmp_path / "out" / "label_suspects.csv").read_text("utf-8-sig")
    lines = [orjson.loads(line) for line in desk.read_bytes().splitlines()]
    assert len(lines) == len(listed.splitlines()) - 1 == 16
    assert not any(text in listed for text, _ in rows)
    for rank, line in enumerate(lines, start=1):
        assert line["review"]["reason"] == "suspected_label"
        assert line["review"]["rank"] == rank
        assert line["text"] == rows[line["review"]["row"] - 2][0]
