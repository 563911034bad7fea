"""YAML files of settings: read over their defaults, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from data import yaml_settings
from training.errors import TrainingError

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_settings(path: Path) -> dict[str, object]:
    """Return what a file sets; raise TrainingError if it cannot be read, or holds something else."""
    return yaml_settings.read_settings(path, TrainingError)


def defaults(name: str) -> dict[str, object]:
    """Return the content of a file of configs/."""
    return read_settings(Path(str(files("configs") / name)))


def checked(model: type[ModelT], values: Mapping[str, object], name: str, path: Path | None) -> ModelT:
    """Return settings; `name` is the file of configs/ that explains them, `path` the one that set them.

    Raises:
        TrainingError: a setting is unknown or out of range.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise TrainingError(
            f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=str(path) if path else "settings",
            fix=f"configs/{name} lists every setting with its meaning.",
        ) from error
