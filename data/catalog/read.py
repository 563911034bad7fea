"""What a catalog file turned out to hold, sound or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.catalog.catalog import Catalog
from data.catalog.check import check_entries
from data.catalog.entry_lists import EntryLists
from data.catalog.faults import CatalogError, Fault, errors_of
from data.catalog.records import Record, read_entries, read_fields
from data.catalog.tables import DEPARTMENTS, FAMILIES, HEAD_FIELDS, ISSUE_CATEGORIES, RULES, SCENARIOS, Table
from data.gazetteer.gazetteer import Gazetteer


@dataclass(frozen=True, slots=True)
class ReadCatalog:
    """A catalog if it is sound, and all that was found wrong with the file."""

    source: Path
    catalog: Catalog | None
    faults: tuple[Fault, ...]

    def require(self) -> Catalog:
        """Return the catalog; raise CatalogError with every fault if there is none."""
        if self.catalog is None:
            raise CatalogError(self.faults, where=str(self.source))
        return self.catalog


def assemble(
    source: Path,
    head: Record | None,
    tables: Mapping[Table, Sequence[Record] | None],
    gazetteer: Gazetteer | None,
    faults: list[Fault],
    *,
    labels: bool,
) -> ReadCatalog:
    """Make a catalog of the records of a file; add what is wrong with them to the faults found so far.

    None for head, a table or the gazetteer says that it could not be read at all, which is a fault already.
    """
    rows = {
        table: tuple(read_entries(table, records or (), faults, labels=labels))
        for table, records in tables.items()
    }
    lists = EntryLists(
        rows[FAMILIES], rows[DEPARTMENTS], rows[ISSUE_CATEGORIES], rows[RULES], rows[SCENARIOS]
    )
    unread = frozenset(table.sheet for table, records in tables.items() if records is None)
    values = read_fields(HEAD_FIELDS, head, faults, labels=labels) if head is not None else {}
    if (
        head is not None
        and gazetteer is not None
        and values.get("city", gazetteer.city.name) != gazetteer.city.name
    ):
        faults.append(
            Fault(
                head.cells["city"].where,
                f"the city is {values['city']}, but the gazetteer is about {gazetteer.city.name}",
                "Use one city in both",
            )
        )
    faults += check_entries(lists, gazetteer, unread=unread)
    if errors_of(faults) or gazetteer is None:
        return ReadCatalog(source, None, tuple(faults))
    catalog = Catalog.from_entries(
        city=values["city"],
        version=values.get("version", ""),
        description=values.get("description", ""),
        gazetteer=gazetteer,
        departments=[row.value for row in lists.departments],
        families=[row.value for row in lists.families],
        issue_categories=[row.value for row in lists.issue_categories],
        rules=[row.value for row in lists.rules],
        scenarios=[row.value for row in lists.scenarios],
    )
    return ReadCatalog(source, catalog, tuple(faults))
