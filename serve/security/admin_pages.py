"""/admin: accounts and the audit log, in Chinese, for admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serve.errors import NotReady
from serve.insight.period import CITY_TIME
from serve.security.accounts import PROVIDED, AccountError, is_provided, new_password
from serve.security.audit import actor_of
from serve.security.forms import Form, sent_by
from serve.security.roles import Role
from serve.security.sessions import accounts_of, csrf_token_of, signed_in
from serve.security.trail import read_trail
from serve.service import service_of
from serve.store.people import User
from serve.templating import templates_in

router = APIRouter(prefix="/admin", include_in_schema=False)

ROLES = {Role.OPERATOR: "坐席", Role.LEAD: "班长", Role.ANALYST: "分析员", Role.ADMIN: "管理员"}

_Reader = Annotated[User, Depends(signed_in(Role.ADMIN))]
_Sender = Annotated[User, Depends(sent_by(Role.ADMIN))]
_templates = templates_in("templates")


class _Refused(Exception):
    """What was asked cannot be done; the message is Chinese."""


@router.get("/users")
def users(request: Request, user: _Reader) -> HTMLResponse:
    """List the accounts."""
    return _users(request, user)


@router.post("/users/{act}")
def change(request: Request, act: str, user: _Sender, sent: Form) -> HTMLResponse:
    """Add an account, or change one; a password that was made is shown this once."""
    acts: dict[str, Callable[[], str]] = {
        "add": lambda: _add(request, user, sent),
        "role": lambda: _role(request, user, sent),
        "enable": lambda: _enable(request, user, sent, True),
        "disable": lambda: _enable(request, user, sent, False),
        "reset": lambda: _reset(request, user, sent),
    }
    try:
        if act not in acts:
            raise _Refused("没有这项操作。")
        return _users(request, user, done=acts[act]())
    except _Refused as refused:
        return _users(request, user, fault=str(refused))
    except AccountError:
        return _users(request, user, fault="没有成功：用户名为空、过长、已被占用，或没有这个账号。")


@router.get("/audit")
def audit_log(
    request: Request,
    user: _Reader,
    person: str = "",
    action: str = "",
    since: str = "",
    until: str = "",
    before: str = "",
) -> HTMLResponse:
    """Show the audit log, the latest first."""
    store = service_of(request).store
    if store is None:
        raise NotReady()
    first, last, fault = None, None, ""
    try:
        first, last = _midnight(since), _midnight(until)
    except ValueError:
        fault = "日期不对，请填写如 2026-11-24 的日期。"
    trail = read_trail(
        store,
        person=person.strip(),
        action=action.strip(),
        since=first,
        until=last + timedelta(days=1) if last else None,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None,
    )
    asked = {"person": person, "action": action, "since": since, "until": until}
    page = _templates.get_template("security/audit.html").render(
        user=user,
        csrf_token=csrf_token_of(request),
        fault=fault,
        trail=trail,
        when=lambda at: f"{at.astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S}",
        older=urlencode(asked | {"before": trail.older}) if trail.older else None,
        paged=bool(before),
        **asked,
    )
    return HTMLResponse(page, HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK)


def _midnight(day: str) -> datetime | None:
    return datetime.fromisoformat(day[:10]).replace(tzinfo=CITY_TIME) if day else None


def _add(request: Request, user: User, sent: Form) -> str:
    name, password = _made_here(sent.get("name", "").strip()), new_password()
    role = _role_of(sent)
    accounts_of(request).add(
        name, password, role, by=actor_of(user), display_name=sent.get("display_name", "").strip()[:100]
    )
    return f"已添加 {name}，首次密码：{password}（只显示这一次）"


def _role(request: Request, user: User, sent: Form) -> str:
    name, role = _other(user, sent), _role_of(sent)
    accounts_of(request).set_role(name, role, by=actor_of(user))
    return f"{name} 现在是{ROLES[role]}"


def _enable(request: Request, user: User, sent: Form, enabled: bool) -> str:
    name = _other(user, sent)
    accounts_of(request).set_enabled(name, enabled, by=actor_of(user))
    return f"{name} 已启用" if enabled else f"{name} 已停用，并已退出登录"


def _reset(request: Request, user: User, sent: Form) -> str:
    name, password = _made_here(_other(user, sent)), new_password()
    accounts_of(request).set_password(name, password, by=actor_of(user))
    return f"{name} 的新密码：{password}（只显示这一次）"


def _other(user: User, sent: Form) -> str:
    """Return the account that is meant: never one's own, or the last admin could shut everybody out."""
    name = sent.get("name", "")
    if name == user.name:
        raise _Refused("不能在这里改自己的账号；改密码请到“改密码”。")
    return name


def _made_here(name: str) -> str:
    """Return a name that may have a password here."""
    if is_provided(name):
        raise _Refused(f"以 {PROVIDED} 开头的账号由统一身份认证管理，在本系统没有密码。")
    return name


def _role_of(sent: Form) -> Role:
    try:
        return Role(sent.get("role", ""))
    except ValueError:
        raise _Refused("没有这个角色。") from None


def _users(request: Request, user: User, *, done: str = "", fault: str = "") -> HTMLResponse:
    page = _templates.get_template("security/users.html").render(
        user=user,
        csrf_token=csrf_token_of(request),
        done=done,
        fault=fault,
        users=accounts_of(request).all(),
        is_provided=is_provided,
        roles=list(ROLES.items()),
    )
    return HTMLResponse(page, HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK)
