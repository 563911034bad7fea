from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model import artifact
from model.errors import ArtifactError

CONTENT: dict[str, Any] = {
    "created_at": "2026-01-01T00:00:00+00:00",
    "encoder": {"max_tokens": 64, "pad_id": 0},
    "columns": {},
    "data": {},
    "settings": {},
    "metrics": {},
    "software": {},
}


def _write(folder: Path, head: bytes = b"head") -> None:
    (folder / artifact.CATALOG).mkdir()
    (folder / artifact.CATALOG / "catalog.yaml").write_text("city: x")
    (folder / artifact.HEAD).write_bytes(head)
    (folder / artifact.POLICY).write_text("{}")
    artifact.write_manifest(folder, **CONTENT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with artifact.new_artifact(tmp_path / "artifact") as scratch:
        _write(scratch)
    return tmp_path / "artifact"


def test_a_whole_artifact_opens(folder: Path) -> None:
    manifest = artifact.open_artifact(folder)
    assert set(manifest.files) == {"head.safetensors", "policy.json", "catalog/catalog.yaml"}
    assert manifest.encoder == {"max_tokens": 64, "pad_id": 0}


@pytest.mark.parametrize("name", ["head.safetensors", "catalog/catalog.yaml"])
def test_a_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[0] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match="was changed") as raised:
        artifact.open_artifact(folder)
    assert raised.value.where == str(folder / name)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / artifact.HEAD).unlink()
    with pytest.raises(ArtifactError, match="missing") as raised:
        artifact.open_artifact(folder)
    assert raised.value.where == str(folder / artifact.HEAD)


@pytest.mark.parametrize("name", ["stray.bin", "catalog/manifest.json"])
def test_a_stranger_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    with pytest.raises(ArtifactError, match="does not know") as raised:
        artifact.open_artifact(folder)
    assert raised.value.where == str(folder / name)


def test_another_format_is_refused(folder: Path) -> None:
    path = folder / artifact.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ArtifactError, match="format 99") as raised:
        artifact.open_artifact(folder)
    assert raised.value.where == str(path)


def test_an_unreadable_manifest_is_named(folder: Path) -> None:
    (folder / artifact.MANIFEST).write_text("{")
    with pytest.raises(ArtifactError, match="unreadable") as raised:
        artifact.open_artifact(folder)
    assert raised.value.where == str(folder / artifact.MANIFEST)


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not an artifact") as raised:
        artifact.open_artifact(tmp_path)
    assert raised.value.where == str(tmp_path)


def test_a_block_that_raises_leaves_the_previous_artifact(folder: Path) -> None:
    with pytest.raises(RuntimeError), artifact.new_artifact(folder) as scratch:
        _write(scratch, b"half")
        raise RuntimeError
    artifact.open_artifact(folder)
    assert (folder / artifact.HEAD).read_bytes() == b"head"
    assert [path.name for path in folder.parent.iterdir()] == ["artifact"]


def test_a_block_that_writes_no_manifest_leaves_the_previous_artifact(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="no manifest"), artifact.new_artifact(folder) as scratch:
        (scratch / artifact.HEAD).write_bytes(b"half")
    artifact.open_artifact(folder)


def test_a_new_artifact_replaces_the_previous_one_whole(folder: Path) -> None:
    (folder / "of the previous one").write_text("x")
    with artifact.new_artifact(folder) as scratch:
        _write(scratch, b"new")
    artifact.open_artifact(folder)
    assert (folder / artifact.HEAD).read_bytes() == b"new"
    assert [path.name for path in folder.parent.iterdir()] == ["artifact"]


def test_model_version_ignores_catalog_and_policy(folder: Path) -> None:
    manifest = artifact.read_manifest(folder)
    other = replace(
        manifest, files={**manifest.files, artifact.POLICY: "0" * 64, "catalog/catalog.yaml": "0" * 64}
    )
    assert other.model_version == manifest.model_version
    assert other.policy_version != manifest.policy_version


def test_model_version_changes_with_what_was_learned(folder: Path) -> None:
    manifest = artifact.read_manifest(folder)
    other = replace(manifest, files={**manifest.files, artifact.HEAD: "0" * 64})
    assert other.model_version != manifest.model_version
    assert other.policy_version == manifest.policy_version
