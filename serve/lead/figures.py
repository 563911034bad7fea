"""All figures of the page, read together, and kept for a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic

from data.catalog.catalog import Catalog
from serve.lead.accuracy import (
    Audits,
    Returns,
    Taken,
    measure_audits,
    measure_returns,
    measure_taken,
    names_in,
)
from serve.lead.load import Load, measure_load
from serve.lead.window import Window
from serve.review.agreement import Agreement, measure
from serve.store.base import now
from serve.store.engine import Store

KEPT_SECONDS = 10.0
"""The page and its charts ask one after the other, and so do several leads: they get the same figures."""

_KEPT_TIMES = 20  # as long as reading took, so that it never takes more than a twentieth of the database


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page shows of a window, as of `at`."""

    window: Window
    at: datetime
    load: Load
    taken: Taken
    returns: Returns
    audits: Audits
    second: Mapping[str, Agreement]  # by family, those chosen most often first


def read_figures(store: Store, catalog: Catalog, window: Window, at: datetime) -> Figures:
    """Read the figures of a window that ends at a moment, in one transaction."""
    start = window.start(at)
    units = {code: unit.name for code, unit in catalog.departments.items()}
    families = {code: unit.family for code, unit in catalog.departments.items()}
    places = {area.code: area.name for area in catalog.gazetteer}
    with store.transaction() as session:
        second = measure(session, names_in(families), start)
        return Figures(
            window,
            at,
            measure_load(store, session, window, at),
            measure_taken(session, start),
            measure_returns(session, start, names_in(units)),
            measure_audits(session, start, names_in(places)),
            dict(sorted(second.items(), key=lambda item: -item[1].either)),
        )


class FigureCache:
    """Keeps the figures of each window for KEPT_SECONDS, longer where reading them is slow.

    Those who ask while they are read wait for that reading.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks = {window: Lock() for window in Window}
        self._kept: dict[Window, tuple[float, Figures]] = {}

    def get(self, catalog: Catalog, window: Window) -> Figures:
        """Return the figures of a window."""
        with self._locks[window]:
            kept = self._kept.get(window)
            if kept is not None and monotonic() < kept[0]:
                return kept[1]
            started = monotonic()
            figures = read_figures(self._store, catalog, window, now())
            read = monotonic()
            self._kept[window] = (read + max(KEPT_SECONDS, _KEPT_TIMES * (read - started)), figures)
            return figures
