"""What the desk's routes are given: the desk, and the person who is signed in."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from serve.errors import NotReady
from serve.review.desk import Desk
from serve.review.queue import Filters
from serve.security.roles import Role
from serve.security.sessions import csrf_token_of, signed_in
from serve.store.people import User


def desk_of(request: Request) -> Desk:
    """Return the desk; raise NotReady while the service starts."""
    desk = cast(Desk | None, getattr(request.app.state, "desk", None))
    if desk is None:
        raise NotReady()
    return desk


def filters_of(
    level: str = "", district: str = "", family: str = "", channel: str = "", older_than: str = ""
) -> Filters:
    """Read the filters from the page's address; what is blank or no number does not filter."""
    minutes = (
        int(older_than) if older_than.isascii() and older_than.isdigit() and len(older_than) < 7 else None
    )
    return Filters(level or None, district or None, family or None, channel or None, minutes)


__all__ = ["Chosen", "Operator", "TheDesk", "csrf_token_of", "desk_of", "filters_of"]

REVIEWERS = (Role.OPERATOR, Role.LEAD, Role.ADMIN)
"""Who settles tickets."""

TheDesk = Annotated[Desk, Depends(desk_of)]
Operator = Annotated[User, Depends(signed_in(*REVIEWERS))]
Chosen = Annotated[Filters, Depends(filters_of)]
