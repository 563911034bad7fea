"""The figures as the charts take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serve.lead.accuracy import REASONS
from serve.lead.figures import Figures
from serve.lead.load import AGES
from serve.lead.promise import Promise
from serve.lead.statistics import Share

BARS = 12
"""Most bars of a chart; its table has all."""


def chart_data(figures: Figures, promise: Promise | None) -> dict[str, Any]:
    """Return the numbers of each chart; shares are from 0 to 1."""
    load = figures.load
    return {
        "flow": {
            "labels": [slot.label for slot in load.slots],
            "answered": [slot.answered for slot in load.slots],
            "for_people": [slot.for_people for slot in load.slots],
            "settled": [slot.settled for slot in load.slots],
        },
        "waiting": {
            "levels": [level.name for level in load.waiting],
            "ages": list(AGES.values()),
            "counts": [[level.ages[i] for level in load.waiting] for i in range(len(AGES))],
        },
        "taken": _shares([*figures.taken.by_level, *figures.taken.by_family][:BARS])
        | {"levels": len(figures.taken.by_level)},
        "returns": {"names": list(REASONS.values()), "counts": list(figures.returns.reasons)},
        "audits": _shares([figures.audits.overall, *figures.audits.by_family][:BARS])
        | {"promised": promise.precision if promise else None},
    }


def _shares(shares: Sequence[Share]) -> dict[str, Any]:
    return {
        "names": [share.name for share in shares],
        "values": [share.value for share in shares],
        "low": [share.interval.low for share in shares],
        "high": [share.interval.high for share in shares],
        "totals": [share.total for share in shares],
    }
