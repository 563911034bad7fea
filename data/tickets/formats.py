"""Open a ticket file of whatever format."""

from __future__ import annotations

from pathlib import Path

from data.tickets.csv_file import CsvFile
from data.tickets.source import TicketFileError, TicketSource

EXTENSIONS = (".csv", ".csv.gz", ".tsv", ".xlsx", ".jsonl", ".jsonl.gz", ".parquet")
"""File names that `open_source` knows."""


def open_source(path: Path, sheet: str | None = None) -> TicketSource:
    """Open a ticket file by its extension; raise TicketFileError if it cannot be read.

    `sheet` names the sheet of a workbook; None takes the first.
    """
    if not path.is_file():
        raise TicketFileError("no such file" if not path.exists() else "is not a file", where=str(path))
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return CsvFile(path)
    if name.endswith((".jsonl", ".ndjson")):
        from data.tickets.jsonl_file import JsonlFile

        return JsonlFile(path)
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        from data.tickets.xlsx_file import XlsxFile

        return XlsxFile(path, sheet)
    if path.suffix.lower() == ".parquet":
        from data.tickets.parquet_file import ParquetFile

        return ParquetFile(path)
    raise TicketFileError(
        f"unknown kind of file {path.suffix!r}", where=str(path), expected=f"one of {', '.join(EXTENSIONS)}"
    )
