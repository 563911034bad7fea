"""Tickets whose unit may be wrong, the most suspect first.

Confident learning (Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels") by
cleanlab, on probabilities of an expert that did not learn from the ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from cleanlab.count import num_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from data.catalog.catalog import Catalog
from data.tickets.ticket import Ticket
from model.segment import Segmenter, catalog_words
from training.errors import TrainingError
from training.quality.desk import desk_line
from training.quality.lists import write_csv, write_jsonl
from training.quality.out_of_fold import out_of_fold_probabilities
from training.quality.settings import QualitySettings

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

WORK_LIST = "label_suspects"
DESK_REASON = "suspected_label"

_FEWEST = 50
_SAID = ("rank", "row", "given", "suggested", "self_confidence", "normalized_margin")


@dataclass(frozen=True, slots=True)
class LabelSuspects:
    """Tickets in the order of suspicion.

    `places` int64 [M] are places among the tickets judged, ranked by self-confidence over the square root of
    the unit's share of the tickets: the label of a small unit is doubted less for being rare. `suggested`
    int64 [N] is the likeliest other unit of each, `confidence` and `margin` float [N] cleanlab's
    self-confidence and normalized margin (both low when suspect). `estimated` is how many wrong labels
    cleanlab expects among all N.
    """

    places: IntArray
    suggested: IntArray
    confidence: FloatArray
    margin: FloatArray
    estimated: int


def find_suspects(
    texts: Sequence[str],
    labels: IntArray,
    codes: Sequence[str],
    catalog: Catalog,
    settings: QualitySettings,
    *,
    on_progress: Callable[[float], None] | None = None,
) -> LabelSuspects:
    """Judge N labelled texts and rank them; `labels` int64 [N] index `codes`.

    Raises:
        TrainingError: too few tickets, or all of one unit.
    """
    present, compact = np.unique(labels, return_inverse=True)
    if len(texts) < _FEWEST or len(present) < 2:
        raise TrainingError(
            f"{len(texts)} tickets of {len(present)} units",
            where="suspected labels",
            expected=f"at least {_FEWEST} tickets, of two units or more",
            fix="Give a file with more labelled tickets.",
        )
    probabilities = out_of_fold_probabilities(
        texts,
        compact,
        len(present),
        Segmenter(catalog_words(catalog)),
        folds=settings.folds,
        c=settings.label_c,
        seed=settings.seed,
        on_progress=on_progress,
    )
    margin = get_label_quality_scores(compact, probabilities, method="normalized_margin")
    confidence = get_label_quality_scores(compact, probabilities, method="self_confidence")
    others = probabilities.copy()
    others[np.arange(len(compact)), compact] = -1.0
    share = np.bincount(compact) / len(compact)
    listed = round(len(compact) * settings.work_list_share)
    return LabelSuspects(
        places=np.argsort(confidence / np.sqrt(share[compact]), kind="stable")[:listed].astype(np.int64),
        suggested=present[others.argmax(axis=1)],
        confidence=confidence.astype(np.float32),
        margin=margin.astype(np.float32),
        estimated=int(num_label_issues(compact, probabilities)),
    )


@dataclass(frozen=True, slots=True)
class WorkList:
    """The suspects of a file with what a person needs of each; `rows` int64 [N] number the tickets judged."""

    suspects: LabelSuspects
    rows: IntArray
    ids: Sequence[str]
    labels: IntArray
    codes: Sequence[str]
    catalog: Catalog

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield one record a suspect, without any text."""
        for rank, place in enumerate(self.suspects.places.tolist(), start=1):
            given = self.catalog.departments[self.codes[self.labels[place]]]
            suggested = self.catalog.departments[self.codes[self.suspects.suggested[place]]]
            yield {
                "rank": rank,
                "row": int(self.rows[place]),
                "ticket_id": self.ids[place],
                "given": given.code,
                "given_name": given.name,
                "suggested": suggested.code,
                "suggested_name": suggested.name,
                "self_confidence": round(float(self.suspects.confidence[place]), 6),
                "normalized_margin": round(float(self.suspects.margin[place]), 6),
            }

    def write(self, folder: Path) -> Path:
        """Write the list as CSV for people and JSONL for programs; return the CSV."""
        records = list(self.records())
        if records:
            write_csv(folder / f"{WORK_LIST}.csv", list(records[0]), (list(r.values()) for r in records))
        write_jsonl(folder / f"{WORK_LIST}.jsonl", records)
        return folder / f"{WORK_LIST}.csv"

    def write_for_desk(self, path: Path, tickets: Iterator[tuple[int, Ticket]]) -> int:
        """Write the suspects as the review desk takes them in: a ticket file, one that says why, by rank.

        `tickets` are the file's, each with its row; docs/training.md describes a line. Texts are in it.
        """
        wanted = {record["row"]: record for record in self.records()}
        found = {row: ticket for row, ticket in tickets if row in wanted}
        return write_jsonl(
            path,
            (
                desk_line(
                    replace(found[row], department=record["given"]),
                    DESK_REASON,
                    {key: record[key] for key in _SAID},
                )
                for row, record in wanted.items()
                if row in found
            ),
        )
