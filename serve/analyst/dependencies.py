"""What the page's routes are given: the registry that is served from, and who is signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from model.registry import CURRENT, Registry
from serve.review.problems import DeskProblem
from serve.security.roles import Role
from serve.security.sessions import signed_in
from serve.service import service_of
from serve.store.people import User

READERS = (Role.ANALYST, Role.LEAD, Role.ADMIN)
ANALYSTS = (Role.ANALYST, Role.ADMIN)


class NoRegistry(DeskProblem):
    """The service serves an artifact folder, not a registry."""

    status = HTTPStatus.NOT_FOUND
    slug = "review-no-registry"
    title = "No registry is served from"

    def __init__(self) -> None:
        super().__init__(
            "服务直接读取一个模型文件夹，没有使用模型库。请把设置 artifact 指向模型库的 current。"
        )


class ChangeRefused(DeskProblem):
    """A change of the registry that cannot be made."""

    slug = "review-change-refused"
    title = "The registry was not changed"


class NothingThere(DeskProblem):
    """There is no such entry, or it has no such report."""

    status = HTTPStatus.NOT_FOUND
    slug = "review-no-report"
    title = "No such report"

    def __init__(self) -> None:
        super().__init__("没有这个模型，或它还没有报告。请运行 paidan report 或 paidan compare。")


def registry_of(request: Request) -> Registry:
    """Return the registry whose `current` is served; raise NoRegistry if something else is."""
    artifact = service_of(request).settings.artifact
    if artifact.name != CURRENT:
        raise NoRegistry()
    return Registry(artifact.parent)


TheRegistry = Annotated[Registry, Depends(registry_of)]
Reader = Annotated[User, Depends(signed_in(*READERS))]
Analyst = Annotated[User, Depends(signed_in(*ANALYSTS))]
