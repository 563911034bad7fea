"""Plain HTML forms: what was sent, by whom, and whether our own page sent it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends
from starlette.requests import Request

from serve.security.sessions import admit
from serve.service import read_body, service_of
from serve.store.people import User

TOKEN_FIELD = "csrf_token"  # noqa: S105 - the name of a field


async def sent_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; of a field sent twice, the last."""
    body = await read_body(request, service_of(request))
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


Form = Annotated[Mapping[str, str], Depends(sent_form)]


def sent_by(*roles: str) -> Callable[[Request, Form], User]:
    """Return a dependency like `signed_in`, for forms: the CSRF token is one of the fields."""

    def person(request: Request, sent: Form) -> User:
        return admit(request, roles, sent.get(TOKEN_FIELD, ""))

    return person
