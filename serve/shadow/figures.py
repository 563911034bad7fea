"""What a shadow showed: how often it would have answered otherwise, and who was right where that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import ReviewItem, Ruling
from serve.store.shadows import ShadowDecision

_MOVES_SHOWN = 20
_IDS_SHOWN = 5
_ALIKE = ShadowDecision.live_unit.is_not_distinct_from(ShadowDecision.shadow_unit)


@dataclass(frozen=True, slots=True)
class Move:
    """Tickets that one model gave to `live` and the other would have given to `shadow`, units by code."""

    live: str | None
    shadow: str | None
    count: int
    ticket_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """`tickets` answered by both; `same_unit` of them alike. `levels` counts pairs of (live, shadow) levels.

    Of the tickets that a person ruled on, `settled` in all, `live_right` and `shadow_right` named the unit
    that the person did.
    """

    live_model: str
    shadow_model: str
    since: datetime
    tickets: int
    same_unit: int
    levels: Mapping[tuple[str, str], int]
    settled: int
    live_right: int
    shadow_right: int
    moves: tuple[Move, ...]


def measure(store: Store, shadow_model: str) -> list[ShadowFigures]:
    """Return the figures of a candidate, one entry for each model that served meanwhile, the latest first."""
    mine = ShadowDecision.shadow_model == shadow_model
    with store.transaction() as session:
        models = session.execute(
            select(ShadowDecision.live_model, func.min(ShadowDecision.answered_at), func.count())
            .where(mine)
            .group_by(ShadowDecision.live_model)
            .order_by(func.max(ShadowDecision.answered_at).desc())
        ).all()
        found = []
        for live_model, since, count in models:
            pair = and_(mine, ShadowDecision.live_model == live_model)
            rulings = _rulings(session, pair)
            found.append(
                ShadowFigures(
                    live_model=live_model,
                    shadow_model=shadow_model,
                    since=since,
                    tickets=count,
                    same_unit=session.scalar(select(func.count()).where(pair, _ALIKE)) or 0,
                    levels=_levels(session, pair),
                    settled=sum(number for *_, number in rulings),
                    live_right=sum(number for live, _, ruled, number in rulings if live == ruled),
                    shadow_right=sum(number for _, shadow, ruled, number in rulings if shadow == ruled),
                    moves=tuple(_moves(session, pair)),
                )
            )
    return found


def _levels(session: Session, pair: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    columns = ShadowDecision.live_level, ShadowDecision.shadow_level
    rows = session.execute(select(*columns, func.count()).where(pair).group_by(*columns))
    return {(live, shadow): number for live, shadow, number in rows}


def _rulings(session: Session, pair: ColumnElement[bool]) -> list[tuple[str | None, str | None, str, int]]:
    """Return what both models and a person said of the tickets that one ruled on, with how often."""
    columns = ShadowDecision.live_unit, ShadowDecision.shadow_unit, Ruling.unit
    rows = session.execute(
        select(*columns, func.count())
        .join(
            StoredDecision,
            and_(
                StoredDecision.ticket_id == ShadowDecision.ticket_id,
                StoredDecision.input_sha256 == ShadowDecision.input_sha256,
            ),
        )
        .join(Ruling, Ruling.decision_id == StoredDecision.id)
        .join(ReviewItem, ReviewItem.id == Ruling.item_id)
        .where(pair, Ruling.undone_at.is_(None), Ruling.unit.is_not(None), ReviewItem.kind == "first")
        .group_by(*columns)
    )
    return [(live, shadow, ruled or "", number) for live, shadow, ruled, number in rows]


def _moves(session: Session, pair: ColumnElement[bool]) -> list[Move]:
    columns = ShadowDecision.live_unit, ShadowDecision.shadow_unit
    rows = session.execute(
        select(*columns, func.count())
        .where(pair, ~_ALIKE)
        .group_by(*columns)
        .order_by(func.count().desc(), *columns)
        .limit(_MOVES_SHOWN)
    ).all()
    return [
        Move(live, shadow, number, _examples(session, pair, live, shadow)) for live, shadow, number in rows
    ]


def _examples(
    session: Session, pair: ColumnElement[bool], live: str | None, shadow: str | None
) -> tuple[str, ...]:
    """Return the ids of the latest tickets that were moved so."""
    return tuple(
        session.scalars(
            select(ShadowDecision.ticket_id)
            .where(
                pair,
                ShadowDecision.live_unit.is_not_distinct_from(live),
                ShadowDecision.shadow_unit.is_not_distinct_from(shadow),
            )
            .order_by(ShadowDecision.id.desc())
            .limit(_IDS_SHOWN)
        )
    )
