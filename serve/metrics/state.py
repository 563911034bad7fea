"""How the service stands at the moment it is asked: nothing here is kept, all is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from serve.drift.keeping import DriftKeeper
from serve.insight.drift import AlertKind
from serve.live import ArtifactWatch
from serve.service import Service
from serve.shadow.shadowing import Shadow


class ServiceState(Collector):
    """Reads queue, model, store and drift of a running service."""

    def __init__(self, service: Service, watch: ArtifactWatch, drift: DriftKeeper | None) -> None:
        self._service = service
        self._watch = watch
        self._drift = drift

    def describe(self) -> Iterable[Metric]:
        """Name what `collect` gives."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """Give all there is to say."""
        yield from _queue(self._service)
        yield from _model(self._service, self._watch)
        yield from _cache(self._service)
        yield from _shadow(self._service)
        if self._service.store is not None:
            yield from _store(self._service)
        if self._drift is not None:
            yield from _alerts(self._drift)


def _queue(service: Service) -> Iterator[Metric]:
    waiting = service.batcher.waiting
    tickets = GaugeMetricFamily(
        "paidan_queue_tickets", "Tickets that wait, by kind of call.", labels=["call"]
    )
    tickets.add_metric(["single"], waiting.single)
    tickets.add_metric(["bulk"], waiting.bulk)
    yield tickets
    yield GaugeMetricFamily("paidan_queue_characters", "Characters that wait.", value=waiting.characters)
    yield GaugeMetricFamily(
        "paidan_accepting", "1 while tickets are taken in, 0 while it stops.", value=service.batcher.accepting
    )


def _model(service: Service, watch: ArtifactWatch) -> Iterator[Metric]:
    versions = service.scorer.versions
    yield InfoMetricFamily(
        "paidan_serving",
        "The release, and the content hashes of what answers.",
        value={
            "release": version("paidan"),
            "model": versions.model,
            "catalog": versions.catalog,
            "policy": versions.policy,
        },
    )
    created = _moment(getattr(getattr(service.scorer, "manifest", None), "created_at", None))
    if created is not None:
        age = (datetime.now(UTC) - created).total_seconds()
        yield GaugeMetricFamily(
            "paidan_model_age_seconds", "Time since the artifact was made.", value=max(0.0, age)
        )
    yield CounterMetricFamily(
        "paidan_artifacts_exchanged", "Times that another artifact was put in service.", value=watch.exchanged
    )
    yield CounterMetricFamily(
        "paidan_artifacts_refused", "Artifacts that were found and could not serve.", value=watch.refused
    )


def _cache(service: Service) -> Iterator[Metric]:
    hits: int | None = getattr(service.scorer, "hits", None)
    if hits is None:  # the setting cache_entries turned it off
        return
    answers = CounterMetricFamily(
        "paidan_cache_lookups",
        "Tickets that were looked up among the decisions kept in memory, by what came of it.",
        labels=["outcome"],
    )
    answers.add_metric(["hit"], hits)
    answers.add_metric(["miss"], getattr(service.scorer, "misses", 0))
    yield answers


def _shadow(service: Service) -> Iterator[Metric]:
    shadow: Shadow | None = getattr(service.scorer, "shadow", None)
    if shadow is None:  # not served from a registry, or without a database
        return
    yield CounterMetricFamily(
        "paidan_shadow_scored",
        "Tickets that a candidate scored beside the model that serves.",
        value=shadow.scored,
    )
    yield CounterMetricFamily(
        "paidan_shadow_differing", "Those of them that it gave to another unit.", value=shadow.differing
    )
    yield CounterMetricFamily(
        "paidan_shadow_dropped",
        "Tickets that came too fast for the candidate, or whose outcome could not be kept.",
        value=shadow.dropped,
    )


def _store(service: Service) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "paidan_store_down",
        "1 while the database does not take decisions.",
        value=bool(getattr(service.scorer, "down", False)),
    )
    yield GaugeMetricFamily(
        "paidan_write_ahead_decisions",
        "Decisions that wait in the write-ahead file.",
        value=getattr(service.scorer, "backlog", 0),
    )


def _alerts(drift: DriftKeeper) -> Iterator[Metric]:
    """Give the alerts of the last full week; nothing before they were computed."""
    kinds = drift.alerts()
    if kinds is None:
        return
    alerts = GaugeMetricFamily(
        "paidan_drift_alerts",
        "1 where the last full week drifted, by what did, as last computed.",
        labels=["kind"],
    )
    for kind in AlertKind:
        alerts.add_metric([kind.value], kind in kinds)
    yield alerts


def _moment(created_at: str | None) -> datetime | None:
    """Return the moment that an ISO date names (UTC where it has no offset), or None if it names none."""
    try:
        moment = datetime.fromisoformat(created_at or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
