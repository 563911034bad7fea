"""What the page's routes are given: the lead's desk, and who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from data.catalog.catalog import Catalog
from serve.errors import NotReady
from serve.lead.figures import FigureCache
from serve.lead.promise import Promise
from serve.lead.stops import AutoStops
from serve.lead.window import Window
from serve.scorer import Scorer
from serve.security.roles import Role
from serve.security.sessions import signed_in
from serve.store.engine import Store
from serve.store.people import User

READERS = (Role.LEAD, Role.ANALYST, Role.ADMIN)
"""Who sees the page."""

LEADS = (Role.LEAD, Role.ADMIN)
"""Who throws the switch."""


@dataclass(frozen=True, slots=True)
class LeadDesk:
    """Everything that the page's routes need. `catalog` and `promise` give what is live."""

    store: Store
    catalog: Callable[[], Catalog]
    promise: Callable[[], Promise | None]
    figures: FigureCache
    stops: AutoStops

    @classmethod
    def create(cls, store: Store, scorer: Scorer) -> LeadDesk:
        """Put it together over an open store; the scorer's catalog and policy may be exchanged."""

        def catalog() -> Catalog:
            return cast(Catalog, scorer.catalog)  # type: ignore[attr-defined] # the caller made sure

        return cls(store, catalog, lambda: Promise.of(scorer), FigureCache(store), AutoStops(store, catalog))


def lead_desk_of(request: Request) -> LeadDesk:
    """Return the lead's desk; raise NotReady while the service starts."""
    desk = cast(LeadDesk | None, getattr(request.app.state, "lead_desk", None))
    if desk is None:
        raise NotReady()
    return desk


def window_of(period: str = "") -> Window:
    """Read the window from the page's address; what is none is today."""
    return Window(period) if period in set(Window) else Window.TODAY


TheLeadDesk = Annotated[LeadDesk, Depends(lead_desk_of)]
Reader = Annotated[User, Depends(signed_in(*READERS))]
Lead = Annotated[User, Depends(signed_in(*LEADS))]
Chosen = Annotated[Window, Depends(window_of)]
