"""How the units of a catalog are made of families and places, as index arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.catalog.entries import Department
from data.gazetteer.jurisdiction import JurisdictionLevel
from model.errors import ArtifactError
from model.json_files import read_json

LEVELS = tuple(JurisdictionLevel)
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UnitLayout:
    """Rows of the catalog head.

    With U units, F families and J jurisdictions, `family_of` and `jurisdiction_of` are int64 [U] and
    index into `families` and `jurisdictions`; `level_of` is int64 [U] and indexes LEVELS.
    """

    units: tuple[str, ...]
    families: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    family_of: IntArray
    jurisdiction_of: IntArray
    level_of: IntArray

    @classmethod
    def from_catalog(cls, catalog: Catalog) -> UnitLayout:
        """Lay out every unit of a catalog, in the order of their codes."""
        units = [catalog.departments[code] for code in sorted(catalog.departments)]
        return cls.from_units(units, {j.code: j.level for j in catalog.gazetteer})

    @classmethod
    def from_units(
        cls, units: Iterable[Department], level_by_code: dict[str, JurisdictionLevel]
    ) -> UnitLayout:
        """Lay out the given units, in their order."""
        units = list(units)
        families = tuple(sorted({unit.family for unit in units}))
        jurisdictions = tuple(sorted({unit.jurisdiction for unit in units}))
        family_index = {name: i for i, name in enumerate(families)}
        jurisdiction_index = {code: i for i, code in enumerate(jurisdictions)}
        return cls(
            units=tuple(unit.code for unit in units),
            families=families,
            jurisdictions=jurisdictions,
            family_of=np.array([family_index[u.family] for u in units], dtype=np.int64),
            jurisdiction_of=np.array([jurisdiction_index[u.jurisdiction] for u in units], dtype=np.int64),
            level_of=np.array([LEVELS.index(level_by_code[u.jurisdiction]) for u in units], dtype=np.int64),
        )

    def save(self, path: Path) -> None:
        """Write as JSON."""
        content = {name: getattr(self, name) for name in self.__slots__}
        content |= {name: array.tolist() for name, array in content.items() if isinstance(array, np.ndarray)}
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> UnitLayout:
        """Read what `save` wrote; raise ArtifactError for anything else."""
        stored = read_json(path, _Stored)
        for name, rows in (
            ("family_of", stored.families),
            ("jurisdiction_of", stored.jurisdictions),
            ("level_of", LEVELS),
        ):
            index = getattr(stored, name)
            if len(index) != len(stored.units) or not all(0 <= row < len(rows) for row in index):
                raise ArtifactError(
                    f"{name} does not fit", where=str(path), expected="a row of its table for each unit"
                )
        return cls(
            units=stored.units,
            families=stored.families,
            jurisdictions=stored.jurisdictions,
            family_of=np.array(stored.family_of, dtype=np.int64),
            jurisdiction_of=np.array(stored.jurisdiction_of, dtype=np.int64),
            level_of=np.array(stored.level_of, dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """A layout as it stands in the file."""

    units: tuple[str, ...]
    families: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    family_of: tuple[int, ...]
    jurisdiction_of: tuple[int, ...]
    level_of: tuple[int, ...]
