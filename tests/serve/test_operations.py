"""docs/operations.md, the dashboard and the alerts speak of what there is, and of all of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from serve.app import create_app
from serve.drift.keeping import DriftKeeper, State
from serve.settings import load_settings

DOCS = Path("docs/operations.md").read_text("utf-8")
DASHBOARD = json.loads(Path("configs/grafana/paidan.json").read_text("utf-8"))
ALERTS = [
    rule
    for group in yaml.safe_load(Path("configs/prometheus/alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
FROM_PROMETHEUS = {"job", "instance", "le", "__name__"}
"""Labels that Prometheus adds, or that all histograms have."""


class Manifest:
    created_at = "2026-01-01T00:00:00+00:00"
    identity = "x"


@pytest.fixture
async def families(scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Metric]:
    """Return all that a service with everything switched on gives, by name."""
    from serve.metrics.meters import Meters

    made: list[Meters] = []
    monkeypatch.setattr("serve.app.Meters", lambda: made.append(Meters()) or made[-1])
    scorer.manifest = Manifest()
    scorer.vectors = None  # no ticket is in the store, so nothing asks for any
    scorer.policy = SimpleNamespace(promised_precision=0.95)
    app = create_app(
        load_settings(
            database_url=f"sqlite:///{tmp_path / 'paidan.db'}",
            write_ahead_file=tmp_path / "waiting.log",
            cache_entries=10,
            artifact=tmp_path / "current",  # a registry, which can have a shadow
            similar_tickets=0,
        ),
        scorer,
    )
    async with app.router.lifespan_context(app):
        drift: DriftKeeper = app.state.drift
        drift.start()
        while drift.state is State.RUNNING:
            await asyncio.sleep(0.01)
        made[0].request_ended("/v1/score", "POST", 429, 0.1, "queue-full")
        return {family.name: family for family in made[0].registry.collect()}


@pytest.fixture
def samples(families: dict[str, Metric]) -> dict[str, set[str]]:
    """Return the labels of each sample by its name, as queries name them."""
    found: dict[str, set[str]] = {}
    for family in families.values():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def documented(kind: str) -> set[str]:
    """Return what the first column of the table under a heading names, without labels."""
    section = DOCS.partition(f"## {kind}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([A-Za-z_]+)", section, flags=re.M))


def dashboard_queries() -> Iterator[str]:
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ()))
    yield from (annotation["expr"] for annotation in DASHBOARD["annotations"]["list"])
    yield from (v["definition"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query")


def unknown(query: str, samples: dict[str, set[str]]) -> list[str]:
    """Return names of metrics and labels in a query that no metric has."""
    without_strings = re.sub(r'"[^"]*"', '""', query)
    names = set(re.findall(r"\b(?:paidan|process)_[a-z_]+", without_strings))
    assert names or "up{" in query
    wrong = sorted(names - samples.keys())
    known = FROM_PROMETHEUS.union(*(samples[name] for name in names & samples.keys()))
    used = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=(?!=))", without_strings))
    for group in re.findall(r"\bby \(([^)]*)\)", without_strings):
        used |= {label.strip() for label in group.split(",")}
    return wrong + sorted(used - known)


pytestmark = pytest.mark.anyio


async def test_metrics_are_those_that_are_documented(families: dict[str, Metric]):
    names = {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        for family in families.values()
    }
    assert names == documented("Metrics")


async def test_labels_are_documented_with_their_metric(families: dict[str, Metric]):
    for family in families.values():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        (line,) = re.findall(rf"^\| `{family.name}(?:_total|_info)?[`{{].*", DOCS, flags=re.M)
        assert [label for label in sorted(labels) if label not in line] == []


async def test_every_metric_says_what_it_is(families: dict[str, Metric]):
    assert [name for name, family in families.items() if not family.documentation] == []


@pytest.mark.parametrize("query", sorted(set(dashboard_queries())))
async def test_dashboard_asks_for_what_there_is(query: str, samples: dict[str, set[str]]):
    assert unknown(query, samples) == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
async def test_alerts_ask_for_what_there_is(alert: dict, samples: dict[str, set[str]]):
    assert unknown(alert["expr"], samples) == []
    assert alert["annotations"]["summary"]
    assert alert["labels"]["severity"]


def test_the_check_of_queries_finds_what_there_is_not():
    samples = {"paidan_x_total": {"level"}}
    assert unknown('sum by (level) (rate(paidan_x_total{job="a=b",level="c"}[5m]))', samples) == []
    assert unknown('sum by (unit) (rate(paidan_y_total{levle!="auto"}[5m]))', samples) == [
        "paidan_y_total",
        "levle",
        "unit",
    ]


def test_every_alert_is_documented():
    assert {alert["alert"] for alert in ALERTS} == documented("Alerts")


def test_dashboard_can_be_imported():
    assert DASHBOARD["id"] is None  # Grafana gives it one
    assert DASHBOARD["uid"]
    assert DASHBOARD["schemaVersion"] >= 39
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    sources = {json.dumps(source) for panel in DASHBOARD["panels"] if (source := panel.get("datasource"))}
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}


def test_panels_do_not_lie_on_each_other():
    def overlap(a: dict, b: dict) -> bool:
        return (
            a["x"] < b["x"] + b["w"]
            and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"]
            and b["y"] < a["y"] + a["h"]
        )

    grids = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert not any(overlap(a, b) for a, b in combinations(grids, 2))
    assert all(grid["x"] + grid["w"] <= 24 for grid in grids)


def logged_events() -> set[str]:
    sources = "\n".join(path.read_text("utf-8") for path in Path("serve").rglob("*.py"))
    return set(re.findall(r'\blog\.\w+\(\s*"([a-z_]+)"', sources))


def test_every_log_event_is_documented():
    assert logged_events() == documented("Log")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version", "/metrics"])
def test_every_endpoint_of_operations_is_documented(path: str):
    assert f"`GET {path}`" in DOCS


def test_every_setting_that_is_named_exists():
    names = set(
        re.findall(r"`([a-z_]+)`", DOCS.partition("## Settings to look at\n")[2].partition("\n## ")[0])
    )
    assert names
    assert names <= set(load_settings().model_dump())
