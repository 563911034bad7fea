from __future__ import annotations

from pathlib import Path

import numpy as np

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from model.layout import LEVELS, UnitLayout

GAZETTEER = Gazetteer.from_records(
    [
        Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
        Jurisdiction("d1", "东湖区", JurisdictionLevel.DISTRICT, "c"),
        Jurisdiction("d2", "西湖区", JurisdictionLevel.DISTRICT, "c"),
    ]
)


def _unit(code: str, family: str, jurisdiction: str) -> Department:
    return Department(code, f"单位{code}", DepartmentKind.DISTRICT_BUREAU, family, jurisdiction)


UNITS = [_unit("u3", "水务", "c"), _unit("u1", "城管", "d2"), _unit("u2", "城管", "d1")]


def _layout(units: list[Department]) -> UnitLayout:
    catalog = Catalog.from_entries(
        city="山海市",
        gazetteer=GAZETTEER,
        departments=units,
        families=[Family("城管", "城市管理"), Family("水务", "供水排水")],
    )
    return UnitLayout.from_catalog(catalog)


def test_units_stand_in_the_order_of_their_codes() -> None:
    assert _layout(UNITS).units == ("u1", "u2", "u3")


def test_the_order_of_the_catalog_does_not_matter() -> None:
    one, other = _layout(UNITS), _layout(UNITS[::-1])
    assert one.units == other.units
    assert np.array_equal(one.family_of, other.family_of)
    assert np.array_equal(one.jurisdiction_of, other.jurisdiction_of)


def test_each_unit_points_to_its_family_place_and_level() -> None:
    layout = _layout(UNITS)
    assert [layout.families[i] for i in layout.family_of] == ["城管", "城管", "水务"]
    assert [layout.jurisdictions[i] for i in layout.jurisdiction_of] == ["d2", "d1", "c"]
    assert [LEVELS[i].value for i in layout.level_of] == ["district", "district", "city"]


def test_families_and_places_without_a_unit_have_no_row() -> None:
    layout = _layout(UNITS[:2])
    assert layout.jurisdictions == ("c", "d2")


def test_save_and_load_give_the_same(tmp_path: Path) -> None:
    layout = _layout(UNITS)
    layout.save(tmp_path / "layout.json")
    loaded = UnitLayout.load(tmp_path / "layout.json")
    for name in UnitLayout.__slots__:
        assert np.array_equal(getattr(loaded, name), getattr(layout, name)), name
    assert loaded.family_of.dtype == np.int64
    assert isinstance(loaded.units, tuple)
