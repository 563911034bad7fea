"""What a person decided about a ticket: one part a demand."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from data.catalog.catalog import Catalog
from serve.review.problems import UnitRetired, UnusableRuling

Code = Annotated[str, Field(min_length=1, max_length=100)]
MAX_PARTS = 9
MAX_ASSISTING = 9


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Sent):
    """One demand: who leads, who assists, where, and which characters of the text it is about."""

    lead: Code
    assisting: Annotated[list[Code], Field(max_length=MAX_ASSISTING)] = Field(default_factory=list)
    jurisdiction: Code | None = None
    start: Annotated[int, Field(ge=0)] | None = None
    end: Annotated[int, Field(ge=0)] | None = None


class Settlement(_Sent):
    """A decision as the page sends it. `request_id` is made once a decision: sent twice it is one."""

    request_id: Annotated[str, Field(min_length=8, max_length=64)]
    parts: Annotated[list[Part], Field(min_length=1, max_length=MAX_PARTS)]
    note: Annotated[str, Field(max_length=2000)] | None = None
    rank: Annotated[int, Field(ge=1, le=99)] | None = None
    seconds: Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]

    @property
    def mode(self) -> str:
        """Return `dual` if a part has an assisting unit, else `direct`."""
        return "dual" if any(part.assisting for part in self.parts) else "direct"


def check_parts(parts: list[Part], catalog: Catalog, length: int, on: date) -> None:
    """Hold the parts against the catalog of a day and a text of `length` characters.

    Raises:
        UnitRetired: a unit does not take tickets.
        UnusableRuling: a place is unknown, a unit assists itself, or offsets lie outside the text.
    """
    for part in parts:
        for code in (part.lead, *part.assisting):
            check_unit(code, catalog, on)
        if part.lead in part.assisting or len(set(part.assisting)) < len(part.assisting):
            raise UnusableRuling("同一单位不能既主办又协办，也不能重复协办。")
        if part.jurisdiction is not None and part.jurisdiction not in catalog.gazetteer:
            raise UnusableRuling("所选地点不在行政区划表中，请重新选择。")
        if (part.start is None) != (part.end is None):
            raise UnusableRuling("诉求的文字范围不完整，请重新选取。")
        if part.start is not None and part.end is not None and not part.start < part.end <= length:
            raise UnusableRuling("诉求的文字范围超出了工单内容，请重新选取。")


def check_unit(code: str, catalog: Catalog, on: date) -> None:
    """Raise UnitRetired unless the unit takes tickets on a day."""
    unit = catalog.departments.get(code)
    if unit is None or not unit.is_active(on):
        heir = catalog.successor_of(code) if unit is not None else None
        raise UnitRetired(unit.name if unit else "所选单位", heir.name if heir else None)


def stored(parts: list[Part]) -> list[Any]:
    """Return the parts as a ruling keeps them."""
    return [part.model_dump() for part in parts]
