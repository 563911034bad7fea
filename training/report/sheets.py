"""The data sheet and the model card: what was measured, on what, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from model.dispatcher import Dispatcher
from training.report.evaluation import UNKNOWN, Evaluation


def identity(dispatcher: Dispatcher) -> dict[str, str]:
    """Return what tells one artifact from all others."""
    manifest = dispatcher.manifest
    return {
        "model_version": manifest.model_version,
        "catalog_version": dispatcher.versions.catalog,
        "policy_version": manifest.policy_version,
        "identity": manifest.identity,
        "trained_at": manifest.created_at,
    }


def data_sheet(evaluation: Evaluation, seed: int) -> dict[str, Any]:
    """Return where the tickets came from that were measured, and those that the artifact learned from.

    `in_training_period` are tickets of a day that the artifact was trained up to: it may have seen them, and
    then its figures flatter it.
    """
    source, days = evaluation.labelled.source, _days(evaluation)
    trained = evaluation.dispatcher.manifest.data
    last = trained_until(trained)
    reading: Mapping[str, Any] = trained.get("reading") or {}
    return {
        "measured": asdict(source)
        | {
            "since": source.since.isoformat() if source.since else None,
            "until": source.until.isoformat() if source.until else None,
            "tickets": len(evaluation),
            "first_day": min(days).isoformat() if days else None,
            "last_day": max(days).isoformat() if days else None,
            "undated": len(evaluation) - len(days),
            "units": len(set(evaluation.unit_names())),
            "of_units_not_in_the_catalog": int((evaluation.labels == UNKNOWN).sum()),
            "in_training_period": sum(last is not None and day <= last for day in days),
            "bootstrap_seed": seed,
        },
        "trained": {
            "tickets_sha256": trained.get("tickets_sha256"),
            "first_day": trained.get("first_day"),
            "until": last.isoformat() if last else None,
            "training_tickets": trained.get("training_tickets"),
            "calibration_tickets": trained.get("calibration_tickets"),
            "seed": evaluation.dispatcher.manifest.settings.get("seed"),
            "rows": reading.get("rows"),
            "left_out": reading.get("left_out"),
            "rejected": reading.get("rejected") or {},
        },
    }


def model_card(dispatcher: Dispatcher) -> dict[str, Any]:
    """Return what the artifact is made of, how it was trained and what its policy promises."""
    manifest, layout, policy = dispatcher.manifest, dispatcher.experts.head.layout, dispatcher.policy
    return {
        "city": dispatcher.catalog.city,
        "encoder": dict(manifest.encoder),
        "units": len(layout.units),
        "families": len(layout.families),
        "jurisdictions": len(layout.jurisdictions),
        "policy": {
            "promised_precision": policy.promised_precision,
            "confidence": policy.confidence,
            "consult_threshold": policy.consult_threshold,
            "groups": {name: asdict(group) for name, group in policy.groups.items()},
            "never_auto": [dispatcher.catalog.departments[code].name for code in policy.never_auto],
        },
        "settings": dict(manifest.settings),
        "training_metrics": dict(manifest.metrics),
        "software": dict(manifest.software),
    }


def trained_until(data: Mapping[str, Any]) -> date | None:
    """Return the last day that an artifact was trained on; duplicates of earlier texts may be later."""
    day = data.get("until") or data.get("last_day")
    return date.fromisoformat(day) if day else None


def _days(evaluation: Evaluation) -> list[date]:
    return [ticket.created_at.date() for ticket in evaluation.tickets if ticket.created_at]
