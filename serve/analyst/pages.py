"""How the analyst's page becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from starlette.responses import HTMLResponse

from model.decision import Level
from model.errors import ArtifactError
from model.policy import Policy
from model.registry import PROMOTED, Registry
from serve.analyst.dependencies import ANALYSTS, NoRegistry
from serve.analyst.listing import GATES, Line, read_listing
from serve.analyst.simulation import PER, Simulation
from serve.insight.period import CITY_TIME
from serve.lead.dependencies import LeadDesk
from serve.lead.pages import percent
from serve.shadow.figures import ShadowFigures, measure
from serve.store.base import now
from serve.store.engine import Store
from serve.store.people import User
from serve.store.reviews import Ruling
from serve.templating import templates_in

PLACES: Mapping[str, str] = {
    "city": "市级",
    "district": "区县",
    "subdistrict": "街道乡镇",
    "community": "社区村",
}
_USUAL_SECONDS = 20.0
_MEASURED_DAYS = 30


def _moment(at: str | datetime) -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment.astimezone(CITY_TIME):%Y-%m-%d %H:%M}"


_templates = templates_in("templates")
_templates.filters |= {"percent": percent, "moment": _moment}


def whole_page(registry: Registry, desk: LeadDesk, user: User, csrf_token: str) -> HTMLResponse:
    """Answer with the page."""
    page = {"csrf_token": csrf_token, "city": desk.catalog().city}
    trial = {"seconds": _seconds(desk.store), "promise": _promise(registry)}
    return _render("page.html", page | trial | _models(registry, desk, user))


def page_without_registry(none: NoRegistry, desk: LeadDesk, user: User, csrf_token: str) -> HTMLResponse:
    """Answer with what has to be set before there is anything to show."""
    page = {"csrf_token": csrf_token, "city": desk.catalog().city, "user": user, "told": none.render()}
    return _render("none.html", page)


def models_part(registry: Registry, desk: LeadDesk, user: User) -> HTMLResponse:
    """Answer with the table of models alone."""
    return _render("models.html", _models(registry, desk, user))


def simulation_part(found: Simulation) -> HTMLResponse:
    """Answer with what a promise would mean."""
    return _render("simulation.html", {"found": found, "per": PER, "places": PLACES})


def _render(template: str, context: Mapping[str, object]) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(f"analyst/{template}").render(context))


def _models(registry: Registry, desk: LeadDesk, user: User) -> dict[str, object]:
    listing = read_listing(registry)
    return {
        "user": user,
        "may_change": user.role in ANALYSTS,
        "listing": listing,
        "gate_names": GATES,
        "actions": {PROMOTED: "启用"},
        "shadows": _shadows(desk.store, listing.lines),
        "auto_shares": _auto_shares,
        "name_of": lambda code: _unit_name(desk, code),
    }


def _auto_shares(figures: ShadowFigures) -> tuple[float, float]:
    """Return what share of the tickets the live model and the shadow would let go out by themselves."""
    auto = Level.AUTO.value
    live = sum(count for (level, _), count in figures.levels.items() if level == auto)
    shadow = sum(count for (_, level), count in figures.levels.items() if level == auto)
    return live / figures.tickets, shadow / figures.tickets


def _shadows(store: Store, lines: Sequence[Line]) -> list[tuple[Line, list[ShadowFigures]]]:
    return [(line, measure(store, line.model)) for line in lines if line.is_shadow]


def _unit_name(desk: LeadDesk, code: str | None) -> str:
    if code is None:
        return "无"
    unit = desk.catalog().departments.get(code)
    return unit.name if unit is not None else code


def _seconds(store: Store) -> float:
    """Return how long a ticket takes an operator, as the last weeks show; a guess where nobody ruled."""
    since = now() - timedelta(days=_MEASURED_DAYS)
    with store.transaction() as session:
        mean = session.scalar(select(func.avg(Ruling.seconds)).where(Ruling.decided_at >= since))
    return round(float(mean), 1) if mean else _USUAL_SECONDS


def _promise(registry: Registry) -> dict[str, float]:
    try:
        current = registry.current()
    except ArtifactError:  # the page says so by what it does not show
        current = None
    settings = current.manifest.settings if current is not None else {}
    policy = Policy.load(current.folder / "policy.json") if current is not None else None
    return {
        "precision": policy.promised_precision if policy is not None else 0.95,
        "preselect": settings.get("preselect_precision", 0.75),
        "confidence": policy.confidence if policy is not None else 0.9,
    }
