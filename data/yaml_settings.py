"""YAML files of settings, as names and values; the rooms that own the settings check them."""

from __future__ import annotations

from pathlib import Path

import yaml

from data.errors import PaidanError

BAD_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What reading YAML raises: also for a day that no calendar has, and for brackets without end."""


def read_settings(path: Path, error: type[PaidanError]) -> dict[str, object]:
    """Return what a file sets; nothing if it is empty.

    Raises:
        PaidanError: an `error`: the file cannot be read, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, *BAD_YAML) as fault:
        raise error(
            f"cannot be read ({type(fault).__name__})", where=str(path), expected="a YAML file of settings"
        ) from fault
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise error("holds no settings", where=str(path), expected="lines such as `name: value`")
    # YAML takes numbers and nothing for names, too; none of these is a setting.
    return {str(name): value for name, value in content.items()}
