from __future__ import annotations

import numpy as np
import pytest

from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.inputs import ModelInput, model_input
from model.jurisdiction import PlaceResolver
from model.place_evidence import FEATURES, PlaceEvidence, out_of_fold_evidence
from model.place_names import LearnedName, LearnedPlaces

CITY, DISTRICT, STREET, COMMUNITY = JurisdictionLevel
GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("1", "云州市", CITY, None, ("云州",)),
        Jurisdiction("11", "柳河区", DISTRICT, "1", ("柳河",)),
        Jurisdiction("12", "望湖区", DISTRICT, "1", ("望湖",)),
        Jurisdiction("111", "青石街道", STREET, "11", ("青石",)),
        Jurisdiction("112", "松岗街道", STREET, "11"),
        Jurisdiction("1111", "杏花社区", COMMUNITY, "111", ("杏花居委会",)),
    ]
)
LEARNED = LearnedPlaces([LearnedName("彩虹小区", 20, {"12": 0.02, "11": 0.95, "111": 0.93})])
CODES = ("1", "11", "12", "111", "112")
EVIDENCE = PlaceEvidence(PlaceResolver(GAZETTEER, LEARNED), CODES)


def item(text: str, **fields: str) -> ModelInput:
    return model_input(Ticket("t", text, **fields))


def value(text: str, code: str, feature: str, **fields: str) -> float:
    matrix = EVIDENCE.features(item(text, **fields))
    return float(matrix[CODES.index(code), FEATURES.index(feature)])


def test_the_matrix_has_a_row_an_area_and_a_column_a_feature() -> None:
    matrix = EVIDENCE.features(item("柳河区停水"))
    assert matrix.shape == (len(CODES), len(FEATURES))
    assert matrix.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "code", "feature"),
    [
        ("柳河区停水", "11", "named_here"),
        ("青石街道停水", "11", "descendant_named"),
        ("杏花居委会", "111", "descendant_named"),
        ("柳河区停水", "111", "ancestor_named"),
        ("柳河区停水", "11", "posterior"),
        ("青石街道停水", "111", "posterior"),
        ("青石街道停水", "111", "resolved_here"),
        ("青石街道停水", "11", "resolved_within"),
        ("柳河区停水", "12", "conflict"),
        ("青石街道停水", "112", "conflict"),
        ("彩虹小区停水", "11", "learned_here"),
        ("彩虹小区停水", "11", "learned_within"),
        ("停水", "1", "no_evidence_city"),
    ],
)
def test_a_feature_speaks(text: str, code: str, feature: str) -> None:
    assert value(text, code, feature) > 0.5


@pytest.mark.parametrize(
    ("text", "code", "feature"),
    [
        ("柳河区停水", "12", "named_here"),
        ("柳河区停水", "11", "descendant_named"),
        ("柳河区停水", "11", "conflict"),
        ("柳河区停水", "12", "posterior"),
        ("柳河区停水", "11", "learned_here"),
        ("柳河区停水", "11", "caller_stated"),
        ("柳河区停水", "1", "no_evidence_city"),
        ("停水", "11", "no_evidence_city"),
        ("柳河大道停水", "11", "resolved_here"),
        ("云州市停水", "1", "named_here"),
    ],
)
def test_a_feature_is_silent(text: str, code: str, feature: str) -> None:
    assert value(text, code, feature) < 0.2


def test_what_the_caller_states_is_marked() -> None:
    assert value("停水", "11", "caller_stated", district="柳河区") > 0.9
    assert value("停水", "11", "caller_stated", address="青石街道3号") > 0.9


@pytest.mark.parametrize("text", ["", "柳河区望湖区青石街道彩虹小区杏花居委会", "柳河区和望湖区交界"])
def test_values_lie_between_zero_and_one(text: str) -> None:
    matrix = EVIDENCE.features(item(text, district="望湖区"))
    assert matrix.min() >= 0
    assert matrix.max() <= 1


def test_the_sparse_matrix_holds_the_same_values() -> None:
    items = [item(text) for text in ("柳河区停水", "停水", "彩虹小区，青石街道")]
    rows = EVIDENCE.matrix(items).toarray()
    for row, ticket in zip(rows, items, strict=True):
        assert np.array_equal(row.reshape(len(CODES), len(FEATURES)), EVIDENCE.features(ticket))


def test_out_of_fold_evidence_does_not_know_the_tickets_own_answer() -> None:
    """The name is in two tickets: each is judged by names learned from the other alone, which is too few."""
    items = [item("彩虹小区停水"), item("彩虹小区停水"), *[item("柳河区停电"), item("望湖区停电")] * 4]
    codes: list[str | None] = ["11", "11", *["11", "12"] * 4]
    at = CODES.index("11") * len(FEATURES) + FEATURES.index("learned_here")
    learned = LearnedPlaces.fit([i.normalised.text for i in items], codes, GAZETTEER)
    seen = PlaceEvidence(PlaceResolver(GAZETTEER, learned), CODES).matrix(items)
    unseen = out_of_fold_evidence(items, codes, GAZETTEER, CODES, folds=2)
    assert seen[0, at] > 0.5
    assert unseen[0, at] == 0


def test_out_of_fold_evidence_keeps_the_order() -> None:
    items = [item("柳河区停水"), item("望湖区停水"), item("停水"), item("青石街道停水")]
    matrix = out_of_fold_evidence(items, ["11", "12", "1", "111"], GAZETTEER, CODES, folds=2)
    expected = PlaceEvidence(PlaceResolver(GAZETTEER), CODES).matrix(items)
    assert np.array_equal(matrix.toarray(), expected.toarray())


def test_reports_of_one_event_fall_into_one_fold() -> None:
    """Names learned from the other report of an event would know its answer."""
    items = [item("彩虹小区停水")] * 4 + [item("柳河区停电"), item("望湖区停电")] * 4
    codes: list[str | None] = ["11"] * 4 + ["11", "12"] * 4
    groups = ["event"] * 4 + [f"g{index}" for index in range(8)]
    at = CODES.index("11") * len(FEATURES) + FEATURES.index("learned_here")
    assert out_of_fold_evidence(items, codes, GAZETTEER, CODES, folds=2)[0, at] > 0
    assert out_of_fold_evidence(items, codes, GAZETTEER, CODES, groups=groups, folds=2)[0, at] == 0


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="folds"):
        out_of_fold_evidence([item("停水")], ["1"], GAZETTEER, CODES, folds=1)
