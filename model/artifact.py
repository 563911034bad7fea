"""The artifact: one folder that holds all that a training learned, and a manifest that vouches for it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from model.errors import ArtifactError
from model.json_files import read_json

FORMAT = 2
MANIFEST = "manifest.json"

ENCODER = "encoder.onnx"
ENCODER_INT8 = "encoder-int8.onnx"  # only where the training was asked for it
ENCODERS = {"fp32": ENCODER, "int8": ENCODER_INT8}
TOKENIZER = "tokenizer.json"
HEAD = "head.safetensors"
LAYOUT = "layout.json"
LEXICAL = "lexical"
PLACES = "places.json"
COMBINATION = "combination.json"
CALIBRATION = "calibration.json"
CASCADE = "cascade.json"  # not there where the cascade would cost too much
POLICY = "policy.json"
CATALOG = "catalog"

_VERSION_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the artifact is, where it came from and the sha256 of each of its files.

    `encoder` holds what is needed to run it (`max_tokens`, `pad_id`); `columns` is the mapping of the
    ticket file it was trained on; `data`, `settings`, `metrics` and `software` are provenance.
    """

    created_at: str
    files: Mapping[str, str]
    encoder: Mapping[str, Any]
    columns: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    software: Mapping[str, str]
    format: int = field(default=FORMAT)

    @property
    def model_version(self) -> str:
        """Name what was learned: a hash over every file but the catalog and the policy."""
        learned = (path for path in self.files if not path.startswith(f"{CATALOG}/") and path != POLICY)
        return self._hash(learned)[:_VERSION_LENGTH]

    @property
    def identity(self) -> str:
        """Name the whole: a sha256 over every file."""
        return self._hash(self.files)

    @property
    def policy_version(self) -> str:
        """Name the policy."""
        return self.files[POLICY][:_VERSION_LENGTH]

    def _hash(self, paths: Iterable[str]) -> str:
        lines = (f"{path} {self.files[path]}\n" for path in sorted(paths))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _hash_files(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / MANIFEST)
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


@contextmanager
def new_artifact(output: Path) -> Iterator[Path]:
    """Give a scratch folder that becomes `output` when the block ends well.

    What was at `output` before stays there until then, and stays for good if the block raises.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    scratch.chmod(0o755)
    try:
        yield scratch
        if not (scratch / MANIFEST).exists():
            raise ArtifactError("no manifest was written", where=str(output))
        previous = scratch.with_name(f"{scratch.name}-previous")
        if output.exists():
            output.replace(previous)
        scratch.replace(output)
        shutil.rmtree(previous, ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_manifest(folder: Path, **content: Any) -> Manifest:
    """Hash every file of the folder and write the manifest beside them."""
    manifest = Manifest(files=_hash_files(folder), **content)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=2) + "\n", "utf-8")
    return manifest


@contextmanager
def changed_copy(source: Path, output: Path, **data: Any) -> Iterator[Path]:
    """Give a scratch folder with the source's files, to change; it becomes the artifact `output`.

    The manifest is written anew at the end of the block; `data` is added to what it says of the data.

    Raises:
        ArtifactError: the source is not whole.
    """
    manifest = open_artifact(source)
    with new_artifact(output) as folder:
        for path in manifest.files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, folder / path)
        yield folder
        content = asdict(manifest) | {"data": dict(manifest.data) | data}
        write_manifest(folder, **{name: content[name] for name in content.keys() - {"files", "format"}})


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact without checking its files.

    Raises:
        ArtifactError: no artifact there, or one of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactError(
            "not an artifact: it holds no manifest.json",
            where=str(folder),
            fix="Name the folder that `paidan train --output` wrote.",
        )
    found = read_json(path, dict[str, Any]).get("format")
    if found != FORMAT:
        raise ArtifactError(
            f"format {found if isinstance(found, int) else 'unknown'}",
            where=str(path),
            expected=f"format {FORMAT}",
            fix="Train it again.",
        )
    manifest = read_json(path, Manifest)
    if POLICY not in manifest.files:
        raise ArtifactError("does not vouch for a policy", where=str(path), fix=_COPY_AGAIN)
    return manifest


def open_artifact(folder: Path) -> Manifest:
    """Read the manifest and check that every file is the one it vouches for.

    Raises:
        ArtifactError: a file is missing, was changed, or does not belong there.
    """
    manifest = read_manifest(folder)
    found = _hash_files(folder)
    for path, digest in manifest.files.items():
        if path not in found:
            raise ArtifactError(
                "a file of the artifact is missing", where=str(folder / path), fix=_COPY_AGAIN
            )
        if found[path] != digest:
            raise ArtifactError(
                f"the file was changed: its sha256 is {found[path][:_VERSION_LENGTH]}…",
                where=str(folder / path),
                expected=f"{digest[:_VERSION_LENGTH]}…",
                fix=_COPY_AGAIN,
            )
    strangers = sorted(found.keys() - manifest.files.keys())
    if strangers:
        raise ArtifactError(
            f"{len(strangers)} files that the manifest does not know",
            where=str(folder / strangers[0]),
            fix="Remove them, or copy the artifact again.",
        )
    return manifest


_COPY_AGAIN = "Copy the artifact again from where it was trained, or train it again."
