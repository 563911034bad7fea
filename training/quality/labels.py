"""Suspected labels of a ticket file, from reading it to the work list."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.catalog.catalog import Catalog
from data.tickets.columns import ColumnMapping
from training.progress import bar
from training.quality.label_suspects import WorkList, find_suspects
from training.quality.settings import QualitySettings
from training.quality.ticket_rows import TicketRows, UsableRows
from training.quality.unit_check import check_units


def list_suspects(
    file: Path, columns: ColumnMapping, catalog: Catalog, settings: QualitySettings
) -> WorkList:
    """Judge every ticket of a file whose unit the catalog knows.

    Takes minutes for ten thousand tickets, and 4 bytes of memory for each ticket and unit.

    Raises:
        PaidanError: the file cannot be read, or holds too few labelled tickets.
    """
    with bar("reading") as moved:
        tickets = TicketRows.read(file, columns, on_progress=moved)
    units = check_units(tickets, catalog)
    labelled = np.flatnonzero(units.units >= 0)
    labels = units.units[labelled].astype(np.int64)
    with bar("judging labels") as moved:
        suspects = find_suspects(
            [tickets.texts[place] for place in labelled.tolist()],
            labels,
            units.codes,
            catalog,
            settings,
            on_progress=moved,
        )
    return WorkList(
        suspects,
        tickets.rows[labelled],
        [tickets.ids[place] for place in labelled.tolist()],
        labels,
        units.codes,
        catalog,
    )


def write_for_desk(work: WorkList, file: Path, columns: ColumnMapping, output: Path) -> int:
    """Write the suspects of a file for the review desk; return how many."""
    return work.write_for_desk(output, iter(UsableRows(file, columns)))
