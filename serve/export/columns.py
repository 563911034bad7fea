"""The columns of an export."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One demand of a reviewed ticket. The columns down to `department` are those that training reads.

    What the model said (`model_unit`, with `model_score` and `level`), what the operator said (`department`,
    `assisting`) and what finally held (`held_unit`; `returned_units` sent it back for good) stand apart.
    `part` counts the demands of a ticket that was split, whose rows are named TICKET#1, TICKET#2, ….
    `decided_by` is a role, `decided_kind` first, lead or consult; `second_opinion` is agreed where a second
    person saw the ticket blind. `rank` is the candidate's that was taken. Units are codes, several of them
    parted by spaces; `department_name` is for people. Times are ISO 8601.
    """

    ticket_id: str
    text: str
    title: str | None
    channel: str | None
    created_at: str | None
    address: str | None
    district: str | None
    lon: float | None
    lat: float | None
    department: str
    department_name: str
    assisting: str | None
    jurisdiction: str | None
    mode: str
    part: int | None
    decided_at: str
    decided_by: str
    decided_kind: str
    second_opinion: str | None
    rank: int | None
    level: str
    model_unit: str | None
    model_score: float | None
    held_unit: str | None
    returned_units: str | None
    model_version: str
    catalog_version: str
    policy_version: str


HEADERS = tuple(field.name for field in fields(ExportRow))
"""The names of the columns, in their order."""
