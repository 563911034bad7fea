"""The encoder of an artifact, in the precision asked for."""

from __future__ import annotations

from pathlib import Path

from model import artifact
from model.artifact import Manifest
from model.errors import ArtifactError
from model.runtime import EncoderRuntime, Precision


def open_encoder(
    folder: Path, manifest: Manifest, precision: Precision, threads: int | None, *, shared: bool = False
) -> EncoderRuntime:
    """Open it; `threads` limits the cores that it uses, `shared` says that others need them as well.

    Raises:
        ArtifactError: the artifact does not have it in that precision, or the file is damaged.
    """
    name = artifact.ENCODERS[precision]
    if name not in manifest.files:
        raise ArtifactError(
            f"it has no {precision} encoder",
            where=str(folder),
            fix="Train it with the setting int8_encoder, or set precision to fp32 or auto.",
        )
    return EncoderRuntime.load(
        folder / name,
        folder / artifact.TOKENIZER,
        max_tokens=manifest.encoder["max_tokens"],
        pad_id=manifest.encoder["pad_id"],
        threads=threads,
        shared=shared,
    )
