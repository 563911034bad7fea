"""What can be set of a training, read from YAML over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from training.settings_files import checked, defaults, read_settings

Share = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class TrainingSettings(BaseModel):
    """The settings of configs/default.yaml, which explains each of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: Annotated[str, Field(min_length=1)]
    layers: Count | None
    pooling: Literal["mean", "cls"]
    max_tokens: Annotated[int, Field(ge=8, le=512)]
    epochs: Positive
    batch_size: Count
    learning_rate: Positive
    head_learning_rate: Positive
    warmup: Share
    weight_decay: Annotated[float, Field(ge=0)]
    max_gradient_norm: Positive
    encoder_dropout: Share
    dropout: Share
    duty_dropout: Share
    label_smoothing: Share
    refresh_rate: Annotated[float, Field(ge=0, le=1)]
    seed: Annotated[int, Field(ge=0)]
    lexical_c: Positive
    int8_encoder: bool
    calibration_share: Annotated[float, Field(gt=0, le=0.5)]
    auto_precision: Probability
    auto_confidence: Probability
    preselect_precision: Probability
    cascade_loss: Probability
    checkpoint_steps: Count
    threads: Count | None


def default_settings() -> dict[str, object]:
    """Return the content of configs/default.yaml."""
    return defaults("default.yaml")


def load_settings(
    path: Path | None = None, *, base: Mapping[str, object] | None = None, **overrides: object
) -> TrainingSettings:
    """Read settings from a file over `base`, and that over the defaults; `overrides` win over all.

    Raises:
        TrainingError: the file cannot be read, or a setting is unknown or out of range.
    """
    values = default_settings() | dict(base or {}) | (read_settings(path) if path else {}) | overrides
    return checked(TrainingSettings, values, "default.yaml", path)
