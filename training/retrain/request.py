"""What a retraining is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data.catalog.catalog import Catalog
from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.formats import open_source
from model import artifact
from model.artifact import Manifest
from training.quality.settings import QualitySettings
from training.report.gates import GateSettings
from training.settings import TrainingSettings


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """The champion, all tickets and how to treat them.

    `old` is what the champion was trained on; of a ticket that stands in several of `new`, the last file has
    the last word, and `feedback` has it after all files. `columns` reads `old`; `new_columns` the new files,
    which are otherwise read like `old` where their headers allow it, and by our own names where not.
    `evaluate_from` is the first day to measure on, instead of the latest share. Without `texts` the report
    holds no ticket's text.
    """

    champion: Path
    old: Path
    new: Sequence[Path]
    feedback: Sequence[Path]
    catalog: Catalog
    columns: ColumnMapping
    new_columns: ColumnMapping | None
    settings: TrainingSettings
    quality: QualitySettings
    gates: GateSettings
    work: Path
    registry: Path
    evaluate_from: date | None = None
    judge_labels: bool = True
    texts: bool = True

    def files(self) -> Iterator[tuple[Path, ColumnMapping]]:
        """Yield every ticket file with the mapping that reads it, the old one first."""
        yield self.old, self.columns
        for path in self.new:
            yield path, self.new_columns or self._mapping(path)

    def identity(self) -> dict[str, Any]:
        """Return what the tickets are: a hash of every file and of the catalog, and the mappings."""
        return {
            "files": [[artifact.file_sha256(path), columns.to_dict()] for path, columns in self.files()],
            "feedback": [artifact.file_sha256(path) for path in self.feedback],
            "catalog": self.catalog.content_hash,
        }

    def champion_manifest(self) -> Manifest:
        """Return the manifest of the champion."""
        return artifact.read_manifest(self.champion)

    def _mapping(self, path: Path) -> ColumnMapping:
        headers = open_source(path, self.columns.sheet).headers
        for columns in (self.columns, ColumnMapping.identity()):
            required = [name for name in columns.headers if name not in columns.optional]
            try:
                columns.check_headers(headers, [*required, *columns.keep_if], where=str(path))
            except ColumnsError:
                continue
            return columns
        return self.columns  # reading says what is missing
