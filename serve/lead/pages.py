"""How the lead's page becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import HTMLResponse

from serve.insight.period import CITY_TIME
from serve.lead.accuracy import REASONS
from serve.lead.attention import find_attention
from serve.lead.dependencies import LEADS, LeadDesk
from serve.lead.load import AGES
from serve.lead.promise import VERDICTS, Promise
from serve.lead.statistics import Share
from serve.lead.window import Window
from serve.store.base import now
from serve.store.people import User
from serve.templating import templates_in

_templates = templates_in("templates")


def percent(share: float | None) -> str:
    """Write a share with one decimal; a dash for None."""
    return "—" if share is None else f"{100 * share:.1f}%"


def duration(seconds: float | None) -> str:
    """Write seconds as people say them; a dash for None."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} 秒"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} 分钟"
    hours, rest = divmod(minutes, 60)
    return f"{hours} 小时 {rest} 分" if hours < 48 else f"{hours // 24} 天 {hours % 24} 小时"


_templates.filters |= {"percent": percent, "duration": duration}


def render(template: str, context: Mapping[str, object]) -> HTMLResponse:
    """Fill a template of the lead's page."""
    return HTMLResponse(_templates.get_template(f"lead/{template}").render(context))


def whole_page(desk: LeadDesk, user: User, window: Window, csrf_token: str) -> HTMLResponse:
    """Answer with the page."""
    page = {"csrf_token": csrf_token, "city": desk.catalog().city, "windows": list(Window)}
    switch = _stops(desk, may_throw=user.role in LEADS)
    return render("page.html", page | switch | _figures(desk, user, window))


def figures_part(desk: LeadDesk, user: User, window: Window) -> HTMLResponse:
    """Answer with the figures alone."""
    return render("figures.html", _figures(desk, user, window))


def stops_part(desk: LeadDesk) -> HTMLResponse:
    """Answer with the switch alone, to a person who has just thrown it."""
    return render("stops.html", _stops(desk, may_throw=True))


def _stops(desk: LeadDesk, *, may_throw: bool) -> dict[str, object]:
    return {"stops": desk.stops.active(), "lifted": desk.stops.lifted(), "may_throw": may_throw}


def _figures(desk: LeadDesk, user: User, window: Window) -> dict[str, object]:
    figures, promise = desk.figures.get(desk.catalog(), window), desk.promise()
    with desk.store.transaction() as session:
        attention = find_attention(session, now())
    return {
        "user": user,
        "may_review": user.role in LEADS,
        "window": window,
        "figures": figures,
        "read_at": f"{figures.at.astimezone(CITY_TIME):%H:%M:%S}",
        "attention": attention,
        "promise": promise,
        "judged": lambda share: _judged(promise, share),
        "ages": list(AGES.values()),
        "reasons": list(REASONS.values()),
    }


def _judged(promise: Promise | None, share: Share) -> tuple[str, str]:
    """Return the verdict on a share, and what the page calls it."""
    if promise is None:
        return "open", "没有承诺"
    verdict = promise.verdict(share)
    return verdict.value, VERDICTS[verdict]
