"""The gates: what a challenger must hold before it may serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from training.report.differences import ALL, Difference, Measure
from training.settings_files import checked, defaults, read_settings

Loss = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class GateSettings(BaseModel):
    """The settings of configs/gates.yaml, which explains each of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tickets: Count
    top1_loss: Loss
    family_loss: Loss
    family_tickets: Count
    auto_share_loss: Loss
    calibration_error: Loss
    auto_precision_tolerance: Loss
    latency_ratio: Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the gates look at. `auto_precision` is None if no ticket was `auto`."""

    tickets: int
    differences: Sequence[Difference]
    calibration_error: float | None
    auto_precision: float | None
    promised_precision: float
    latency_ratio: float


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """One gate: the figure it looked at, the bound that figure must keep, and what it was of.

    `bound` is a least value for `tickets`, `top1`, `family`, `auto_share` and `auto_precision`, a largest one
    for `calibration` and `latency`. `figure` is None where there is nothing to measure. `detail` names the
    family, or says that a figure beyond the bound lacks evidence.
    """

    name: str
    passed: bool
    figure: float | None
    bound: float
    detail: str = ""


NO_EVIDENCE = "no evidence"


def load_gates(path: Path | None = None) -> GateSettings:
    """Read the settings of a file over the defaults of configs/gates.yaml.

    Raises:
        TrainingError: the file cannot be read, or a setting is unknown or out of range.
    """
    values = defaults("gates.yaml") | (read_settings(path) if path else {})
    return checked(GateSettings, values, "gates.yaml", path)


def check_gates(measured: Measured, settings: GateSettings) -> tuple[GateOutcome, ...]:
    """Return the outcome of every gate, in a fixed order."""
    precision = measured.auto_precision
    least = measured.promised_precision - settings.auto_precision_tolerance
    error, ratio = measured.calibration_error, measured.latency_ratio
    return (
        GateOutcome("tickets", measured.tickets >= settings.tickets, measured.tickets, settings.tickets),
        _loss("top1", _all(measured, Measure.TOP1), settings.top1_loss),
        _family(measured, settings),
        _loss("auto_share", _all(measured, Measure.AUTO_SHARE), settings.auto_share_loss),
        GateOutcome(
            "calibration",
            error is not None and error <= settings.calibration_error,
            error,
            settings.calibration_error,
        ),
        GateOutcome("auto_precision", precision is None or precision >= least, precision, least),
        GateOutcome("latency", ratio <= settings.latency_ratio, ratio, settings.latency_ratio),
    )


def _all(measured: Measured, measure: Measure) -> Sequence[Difference]:
    return [row for row in measured.differences if row.scope == ALL and row.measure is measure]


def _loss(name: str, rows: Sequence[Difference], most: float) -> GateOutcome:
    """Look for a loss that is too large and not by chance; of several, show the clearest."""
    if not rows:
        return GateOutcome(name, True, None, -most)
    too_large = [row for row in rows if row.difference < -most]
    proven = [row for row in too_large if row.interval.high < 0]
    shown = min(proven or too_large or rows, key=lambda row: row.difference)
    details = ([shown.name] if shown.scope != ALL else []) + (
        [NO_EVIDENCE] if too_large and not proven else []
    )
    return GateOutcome(name, not proven, shown.difference, -most, ", ".join(details))


def _family(measured: Measured, settings: GateSettings) -> GateOutcome:
    rows = [
        row
        for row in measured.differences
        if row.scope == "family" and row.measure is Measure.TOP1 and row.tickets >= settings.family_tickets
    ]
    return _loss("family", rows, settings.family_loss)
