"""What can be set of the checks of tickets, read from YAML over the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from training.settings_files import checked, defaults, read_settings

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class QualitySettings(BaseModel):
    """The settings of configs/quality.yaml, which explains each of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicate_similarity: Share
    shingle_length: Annotated[int, Field(ge=1, le=8)]
    permutations: Annotated[int, Field(ge=16, le=512)]
    evaluation_share: Annotated[float, Field(gt=0, le=0.5)]
    smallest_class: Count
    folds: Annotated[int, Field(ge=2, le=20)]
    label_c: Annotated[float, Field(gt=0)]
    work_list_share: Annotated[float, Field(gt=0, le=1)]
    candidates_per_choice: Count
    seed: Annotated[int, Field(ge=0)]


def load_quality_settings(path: Path | None = None) -> QualitySettings:
    """Read settings from a file over the defaults.

    Raises:
        TrainingError: the file cannot be read, or a setting is unknown or out of range.
    """
    values = defaults("quality.yaml") | (read_settings(path) if path else {})
    return checked(QualitySettings, values, "quality.yaml", path)
