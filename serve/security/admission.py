"""Who gets in, where the service is open to a network."""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.requests import Request

from serve.errors import NotReady
from serve.security.keys import ApiKeys, Scope
from serve.security.sessions import person_of
from serve.service import Service


async def check_key(request: Request, service: Service, scope: Scope) -> None:
    """Raise KeyMissing or ScopeMissing unless the call carries a key for `scope`, or needs none."""
    if not service.settings.needs_api_key:
        return
    keys = cast(ApiKeys | None, getattr(request.app.state, "api_keys", None))
    if keys is None:
        raise NotReady()
    await asyncio.to_thread(keys.check, request.headers.get("authorization", ""), scope)


async def check_visitor(request: Request, service: Service) -> None:
    """Raise NotSignedIn unless somebody is signed in, where calls need a key: the page scores as they do.

    It changes nothing that is kept, so the CSRF token is not asked for.
    """
    if service.settings.needs_api_key:
        await asyncio.to_thread(person_of, request)
