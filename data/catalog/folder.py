"""A catalog on disk: a folder of YAML files with its gazetteer in it, or one workbook."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.catalog.catalog import Catalog
from data.catalog.faults import CatalogError, Fault
from data.catalog.read import ReadCatalog, assemble
from data.catalog.records import write_fields
from data.catalog.tables import (
    CATALOG_FILE,
    DEPARTMENTS,
    FAMILIES,
    ISSUE_CATEGORIES,
    RULES,
    SCENARIOS,
    YAML_TABLES,
    Entry,
    Table,
)
from data.catalog.yaml_records import dump_list, dump_mapping, read_list, read_mapping
from data.gazetteer.errors import GazetteerError
from data.gazetteer.gazetteer import Gazetteer

_GAZETTEER = "gazetteer"


def load_catalog(path: Path) -> Catalog:
    """Read a catalog folder or workbook.

    Raises:
        CatalogError: it cannot be read or is not sound; lists every fault with its place.
    """
    return read_catalog(path).require()


def read_catalog(path: Path) -> ReadCatalog:
    """Read a catalog folder or workbook, and all that is wrong with it, warnings too."""
    if path.is_dir():
        return _read_folder(path)
    if path.suffix.lower() == ".xlsx" and path.is_file():
        from data.catalog.workbook import read_workbook

        return read_workbook(path)
    what = (
        "is neither a folder nor a workbook (.xlsx)" if path.exists() else "there is no such folder or file"
    )
    fault = Fault(str(path), what, "Make a catalog with `paidan catalog draft`, or correct the path")
    return ReadCatalog(path, None, (fault,))


def _read_folder(folder: Path) -> ReadCatalog:
    faults: list[Fault] = []
    head = read_mapping(folder / CATALOG_FILE, faults)
    tables = {
        table: []
        if table.optional and not (folder / table.file).exists()
        else read_list(folder / table.file, faults)
        for table in YAML_TABLES
    }
    try:
        gazetteer = Gazetteer.load(folder / _GAZETTEER)
    except GazetteerError as error:
        where = error.where or str(folder / _GAZETTEER)
        faults.append(Fault(where, error.what, error.fix or f"Expected {error.expected}"))
        gazetteer = None
    return assemble(folder, head, tables, gazetteer, faults, labels=False)


def save_catalog(catalog: Catalog, folder: Path, *, extra: Mapping[str, str] | None = None) -> None:
    """Write a catalog folder; the same catalog always gives the same bytes. Comments in the files are lost.

    Every file is written whole beside the old one before any is replaced, so that a full disk costs nothing.
    `extra` holds texts of further files, by name.

    Raises:
        CatalogError: the folder cannot be written.
    """
    head = {"city": catalog.city, "version": catalog.version, "description": catalog.description}
    entries: dict[Table, Iterable[Entry]] = {
        FAMILIES: catalog.families.values(),
        DEPARTMENTS: catalog.departments.values(),
        ISSUE_CATEGORIES: catalog.issue_categories.values(),
        RULES: catalog.rules,
        SCENARIOS: catalog.scenarios,
    }
    texts = {CATALOG_FILE: dump_mapping({key: value for key, value in head.items() if value})}
    for table, rows in entries.items():
        texts[table.file] = dump_list(table, [write_fields(table, row) for row in rows])
    texts |= extra or {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with drafted_files(folder, texts):
            catalog.gazetteer.save(folder / _GAZETTEER)
    except OSError as error:
        raise CatalogError(
            [Fault(str(folder), f"cannot be written ({error.strerror})", "What was there is unchanged")]
        ) from error


@contextmanager
def drafted_files(folder: Path, texts: Mapping[str, str]) -> Iterator[None]:
    """Write text files beside the old ones, and put them in their place if the block ends well."""
    with ExitStack() as stack:
        drafts = {}
        for name, text in texts.items():
            draft = folder / f".{name}.{os.getpid()}.tmp"
            stack.callback(draft.unlink, missing_ok=True)
            draft.write_text(text, encoding="utf-8", newline="\n")
            drafts[name] = draft
        yield
        for name, draft in drafts.items():
            draft.replace(folder / name)
