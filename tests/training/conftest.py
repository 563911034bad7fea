"""An evaluation made by hand: a small catalog, given answers, no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, DispatchMode, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.artifact import Manifest
from model.decision import (
    Candidate,
    Decision,
    Flag,
    Level,
    PlacedJurisdiction,
    PlaceStatus,
    Reason,
    ReasonKind,
    Role,
    Versions,
)
from model.layout import UnitLayout
from model.policy import Policy, Thresholds
from training.report.evaluation import UNKNOWN, Evaluation
from training.report.labelled import Labelled, Source


@pytest.fixture(scope="session")
def small_catalog() -> Catalog:
    """Return a city of two districts with a 城管局 each, and one 水务集团 for all."""
    districts = [
        Jurisdiction(code, name, JurisdictionLevel.DISTRICT, "c")
        for code, name in (("d1", "东湖区"), ("d2", "西河区"))
    ]
    return Catalog.from_entries(
        city="山海市",
        gazetteer=Gazetteer.from_records([Jurisdiction("c", "山海市", JurisdictionLevel.CITY), *districts]),
        families=[Family("城管", "占道经营"), Family("水务", "供水")],
        departments=[
            Department("u1", "东湖区城管局", DepartmentKind.DISTRICT_BUREAU, "城管", "d1", ("东湖城管",)),
            Department("u2", "西河区城管局", DepartmentKind.DISTRICT_BUREAU, "城管", "d2"),
            Department("u3", "山海市水务集团", DepartmentKind.PUBLIC_SERVICE_COMPANY, "水务", "c"),
        ],
    )


VERSIONS = Versions("model-1", "catalog-1", "policy-1")
POLICY = Policy({"*": Thresholds(0.8, 0.6, 400)}, 0.15, ("u3",), 0.95, 0.9)
MANIFEST = Manifest(
    created_at="2026-04-30T12:00:00+00:00",
    files={"head.safetensors": "0" * 64, "policy.json": "1" * 64},
    encoder={"name": "embedded", "max_tokens": 64, "pad_id": 1},
    columns={},
    data={
        "until": "2026-04-30",
        "first_day": "2026-01-01",
        "training_tickets": 900,
        "calibration_tickets": 100,
    },
    settings={"seed": 17, "layers": None},
    metrics={"calibration_top1": 0.8},
    software={"python": "3.11"},
)


def _decision(ticket: Ticket, catalog: Catalog) -> Decision:
    unit = catalog.departments["u1"]
    place = PlacedJurisdiction(PlaceStatus.MISSING, None, (), 0.0)
    reason = Reason(ReasonKind.WORDS, "摊贩占道", ())
    candidate = Candidate(unit, Role.LEAD, (), 0.9, (reason,))
    return Decision(
        ticket.ticket_id, Level.AUTO, DispatchMode.DIRECT, (candidate,), None, place, (), False, VERSIONS
    )


Answer = tuple[str, str, float, Level]
"""The right unit, the first candidate, its score and its level."""


@pytest.fixture(scope="session")
def evaluated(small_catalog: Catalog) -> Callable[..., Evaluation]:
    """Return a function that makes an evaluation of answers; the units that are not first follow in order."""
    layout = UnitLayout.from_catalog(small_catalog)
    row = {code: number for number, code in enumerate(layout.units)}

    def make(
        answers: Sequence[Answer],
        *,
        texts: Sequence[str] | None = None,
        flags: Sequence[tuple[Flag, ...]] | None = None,
        learned: dict[str, int] | None = None,
    ) -> Evaluation:
        tickets = tuple(
            Ticket(
                f"t{number}",
                texts[number] if texts else f"第{number}件诉求",
                channel="电话" if number % 2 else None,
                created_at=datetime(2026, 5 + number % 2, 1),
                department=right,
            )
            for number, (right, *_) in enumerate(answers)
        )
        firsts = [row[first] for _, first, _, _ in answers]
        ranked = np.array([[first, *(r for r in range(3) if r != first)] for first in firsts], dtype=np.int64)
        scores = np.array(
            [[s, *((1 - s) * np.array([0.6, 0.4]))] for _, _, s, _ in answers], dtype=np.float32
        )
        labels = np.array([row.get(right, UNKNOWN) for right, *_ in answers], dtype=np.int64)
        ranks = np.array(
            [0 if label == UNKNOWN else 1 + list(best).index(label) for best, label in zip(ranked, labels, strict=True)],
            dtype=np.int64,
        )  # fmt: skip
        dispatcher = SimpleNamespace(
            catalog=small_catalog,
            experts=SimpleNamespace(head=SimpleNamespace(layout=layout)),
            policy=POLICY,
            versions=VERSIONS,
            manifest=MANIFEST,
            score=lambda tickets, top_k=3: [_decision(ticket, small_catalog) for ticket in tickets],
        )
        return Evaluation(
            dispatcher,  # type: ignore[arg-type]
            Labelled(tickets, Source("tickets.csv"), learned or {}),
            labels,
            ranked,
            scores,
            ranks,
            np.array([level.value for *_, level in answers], dtype=str),
            flags or [()] * len(answers),
        )

    return make
