"""Which group each ticket of an evaluation belongs to: by its right unit, channel, length, month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from data.catalog.entries import Department
from training.report.evaluation import UNKNOWN, Evaluation

NONE = "none"
"""The group of tickets that have no such thing: no channel, no date, no district, no known unit."""

_LENGTHS = (50, 100, 200)
_SEEN = ((0, "0"), (9, "1-9"), (49, "10-49"))


class Grouping(StrEnum):
    """A way to part tickets."""

    FAMILY = "family"
    DISTRICT = "district"
    UNIT = "unit"
    PLACE_LEVEL = "place_level"  # of the right unit
    CHANNEL = "channel"
    LENGTH = "length"
    MONTH = "month"
    LEARNED = "learned"  # earlier tickets of the right unit
    FLAG = "flag"


def groups_of(evaluation: Evaluation, by: Grouping) -> Sequence[str]:
    """Return the group of each ticket. City-wide units are in no district."""
    if by is Grouping.UNIT:
        return evaluation.unit_names()
    if by is Grouping.CHANNEL:
        return [ticket.channel or NONE for ticket in evaluation.tickets]
    if by is Grouping.LENGTH:
        return [_length(ticket.text) for ticket in evaluation.tickets]
    if by is Grouping.MONTH:
        return [f"{t.created_at:%Y-%m}" if t.created_at else NONE for t in evaluation.tickets]
    if by is Grouping.FLAG:
        return [flags[0].value if flags else NONE for flags in evaluation.flags]
    if by is Grouping.LEARNED:
        seen = learned_by_unit(evaluation)
        names = [_amount(seen[row]) for row in range(len(evaluation.units))]
    else:
        names = [_of_unit(evaluation, unit, by) for unit in evaluation.units]
    return [names[row] if row != UNKNOWN else NONE for row in evaluation.labels.tolist()]


def learned_by_unit(evaluation: Evaluation) -> Counter[int]:
    """Return how many earlier tickets each row of the units had, by any of its names."""
    row = {unit.code: number for number, unit in enumerate(evaluation.units)}
    seen: Counter[int] = Counter()
    for name, tickets in evaluation.labelled.learned.items():
        unit = evaluation.dispatcher.catalog.find_unit(name)
        if unit is not None and unit.code in row:
            seen[row[unit.code]] += tickets
    return seen


def _length(text: str) -> str:
    """Name the group of texts of like length."""
    limit = next((limit for limit in _LENGTHS if len(text) < limit), None)
    return f"under {limit} characters" if limit else f"{_LENGTHS[-1]} characters or more"


def _amount(tickets: int) -> str:
    return next((name for most, name in _SEEN if tickets <= most), "50+")


def _of_unit(evaluation: Evaluation, unit: Department, by: Grouping) -> str:
    gazetteer = evaluation.dispatcher.catalog.gazetteer
    if by is Grouping.FAMILY:
        return unit.family
    if by is Grouping.DISTRICT:
        district = gazetteer.district_of(unit.jurisdiction)
        return district.name if district is not None else NONE
    return gazetteer[unit.jurisdiction].level.value
