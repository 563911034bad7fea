"""Templates: strict about what they are given, and everything in them escaped."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates_in(folder: str) -> Environment:
    """Return the templates of a folder of this package."""
    return Environment(
        loader=FileSystemLoader(Path(str(files("serve"))) / folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
