"""Ticket files as Excel workbooks."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path

from openpyxl import Workbook, load_workbook

from data.tickets.byte_files import reading_faults
from data.tickets.source import RawRow, TicketFileError
from data.tickets.values import cell_text

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"


class XlsxFile:
    """One sheet of a workbook; its first row that is not blank is the header."""

    open_ended = False

    def __init__(self, path: Path, sheet: str | None = None) -> None:
        """Read the header of a sheet (None: the first); raise TicketFileError if that cannot be done."""
        self._path = path
        self._done = 0
        self._book = _open(path)
        names = [table.title for table in self._book.worksheets]  # charts can be sheets, too
        if not names:
            raise TicketFileError("has no sheet with cells", where=str(path), expected="one with tickets")
        if sheet is not None and sheet not in names:
            raise TicketFileError(
                f"has no sheet {sheet!r}", where=str(path), expected=f"one of {', '.join(names)}"
            )
        self._sheet = self._book[sheet or names[0]]
        # Some programs write a wrong size into the sheet, and openpyxl would stop there.
        self._rows_stated = self._sheet.max_row or 0
        self._sheet.reset_dimensions()
        records = self._records()
        self._header_row, header = next(records, (0, ()))
        records.close()
        self.headers = tuple(cell_text(name) or "" for name in header)
        if not any(self.headers):
            raise TicketFileError(f"sheet {self._sheet.title!r} has no header row", where=str(path))

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows below the header, numbered as the sheet numbers them."""
        for number, cells in self._records():
            self._done = number
            if number > self._header_row:
                padded = (*cells, *[None] * (len(self.headers) - len(cells)))
                yield RawRow(number, dict(zip(self.headers, padded, strict=False)))

    def progress(self) -> float:
        """Return the share of the rows that have been read; 0 if the workbook does not state their number."""
        return min(1.0, self._done / self._rows_stated) if self._rows_stated > 1 else 0.0

    def _records(self) -> Generator[tuple[int, tuple[object, ...]], None, None]:
        rows = iter(self._sheet.iter_rows(values_only=True))
        number = 0
        while True:
            number += 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except Exception as error:  # openpyxl raises whatever its parsers do
                raise _broken(self._path) from error
            if any(cell_text(cell) for cell in cells):
                yield number, cells


def _open(path: Path) -> Workbook:
    with reading_faults(path):
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise TicketFileError("is empty", where=str(path))
        if start == _OLE_MAGIC:
            raise TicketFileError(
                "is encrypted, or an old .xls", where=str(path), fix="Save it as .xlsx without a password."
            )
        if not zipfile.is_zipfile(path):
            raise _broken(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # styles and validations that openpyxl does not know
                return load_workbook(path, read_only=True, data_only=True)
        except OSError:
            raise
        except Exception as error:  # openpyxl raises whatever its parsers do
            raise _broken(path) from error


def _broken(path: Path) -> TicketFileError:
    return TicketFileError("is no .xlsx workbook, or a broken one", where=str(path), fix="Save it again.")
