"""The JSON files of an artifact, read as the types that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from model.errors import ArtifactError

_Kind = TypeVar("_Kind")


def read_json(path: Path, kind: type[_Kind]) -> _Kind:
    """Return what a file holds as a `kind`: a dataclass, or a plain type such as dict[str, float].

    Raises:
        ArtifactError: the file is missing, no JSON, or holds something else.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"cannot be read ({error.strerror})", where=str(path), fix=_FIX) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ArtifactError(
            f"is not what training wrote ({place}: {first['msg']})"
            if place
            else f"is unreadable ({first['msg']})",
            where=str(path),
            fix=_FIX,
        ) from error


_FIX = "Copy the artifact again, or train it again."
