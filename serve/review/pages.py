"""How the desk's pages become HTML."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse

from data.catalog.catalog import Catalog
from model.decision import Level
from serve.page import words
from serve.review.desk import Desk
from serve.review.queue import Filters
from serve.store.people import User
from serve.templating import templates_in

_templates = templates_in("templates")
_AGES = {30: "30 分钟", 60: "1 小时", 240: "4 小时", 1440: "1 天"}


def render(template: str, **context: object) -> HTMLResponse:
    """Fill a template of the desk."""
    return HTMLResponse(_templates.get_template(f"review/{template}").render(context))


def next_ticket(
    desk: Desk, user: User, filters: Filters, template: str = "ticket.html", /, **more: object
) -> HTMLResponse:
    """Claim what comes next for a person and answer with it: a fragment, or another template around it."""
    item_id = desk.queue.claim(user, filters)
    return render(
        template,
        ticket=desk.view(item_id) if item_id is not None else None,
        last=_last(desk, user),
        skipped=desk.queue.skipped_count(user) if item_id is None else 0,
        counts=_counts(desk),
        filtered=filters != Filters(),
        **more,
    )


def whole_page(request: Request, desk: Desk, user: User, filters: Filters, csrf_token: str) -> HTMLResponse:
    """Answer with the desk's page, a ticket on it."""
    return next_ticket(
        desk,
        user,
        filters,
        "page.html",
        user=user,
        city=desk.catalog().city,
        csrf_token=csrf_token,
        lease_seconds=desk.lease_seconds,
        chosen=filters,
        choices=_choices(desk),
    )


def _last(desk: Desk, user: User) -> dict[str, object] | None:
    last = desk.rulings.last(user)
    if last is None:
        return None
    return {"id": last.id, "ticket_id": last.ticket_id, "unit": desk.name_of(last.unit) if last.unit else ""}


def _counts(desk: Desk) -> list[tuple[str, str, int]]:
    waiting = desk.counts.get()
    return [(level, words.LEVELS[level][0], waiting.get(level, 0)) for level in Level]


def _choices(desk: Desk) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the filters as (name, label, [(value, label)])."""
    found, catalog = desk.choices.get(), desk.catalog()
    return [
        ("level", "级别", [(level, words.LEVELS[level][0]) for level in Level]),
        ("district", "区县", [(code, _area(catalog, code)) for code in found["district"]]),
        ("family", "部门", [(name, name) for name in found["family"]]),
        ("channel", "渠道", [(name, name) for name in found["channel"]]),
        ("older_than", "等候超过", [(str(minutes), label) for minutes, label in _AGES.items()]),
    ]


def _area(catalog: Catalog, code: str) -> str:
    return catalog.gazetteer[code].name if code in catalog.gazetteer else code
