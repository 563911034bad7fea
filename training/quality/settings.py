"""What can be set of the checks of tickets, read from YAML over the defaults."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import TrainingError

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
    values = _read(Path(str(files("configs") / "quality.yaml"))) | (_read(path) if path else {})
    try:
        return QualitySettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise TrainingError(
            f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=str(path),
            fix="configs/quality.yaml lists every setting with its meaning.",
        ) from error


def _read(path: Path) -> dict[str, object]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingError(
            f"cannot be read ({type(error).__name__})", where=str(path), expected="a YAML file of settings"
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TrainingError(
            "holds no settings", where=str(path), expected="lines such as `smallest_class: 10`"
        )
    return content
