"""Which unlabelled tickets to label next: those that the model is least sure of, no two of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from data.tickets.ticket import Ticket
from model.dispatcher import Dispatcher
from training.errors import TrainingError
from training.quality.desk import desk_line
from training.quality.lists import write_jsonl
from training.quality.minhash import near_duplicate_groups, signatures
from training.quality.settings import QualitySettings

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

DESK_REASON = "worth_labelling"

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """A ticket to label, by its place among those looked at; `margin` is the lead of its first candidate."""

    place: int
    margin: float
    first: str
    second: str


def choose_tickets(
    dispatcher: Dispatcher,
    tickets: Sequence[Ticket],
    count: int,
    settings: QualitySettings,
    *,
    on_progress: Callable[[float], None] | None = None,
) -> list[Choice]:
    """Return the `count` tickets that teach most, the least certain first.

    Of near-duplicates only the first is looked at.

    Raises:
        TrainingError: fewer tickets than are to be chosen.
    """
    if len(tickets) < count:
        raise TrainingError(
            f"{len(tickets)} tickets to choose {count} from",
            where="--count",
            expected="more tickets than are to be chosen",
            fix="Give a larger file, or a smaller --count.",
        )
    texts = [ticket.text for ticket in tickets]
    signed = signatures(
        texts,
        permutations=settings.permutations,
        shingle_length=settings.shingle_length,
        seed=settings.seed,
    )
    groups = near_duplicate_groups(signed, settings.duplicate_similarity)
    alone = np.flatnonzero(groups == np.arange(len(groups)))
    best: list[IntArray] = []
    margins: list[FloatArray] = []
    for start in range(0, len(alone), _BATCH):
        scores = dispatcher.scores([tickets[place] for place in alone[start : start + _BATCH]])
        ranked = np.argsort(-scores, axis=1, kind="stable")[:, :2]
        best.append(ranked)
        margins.append(-np.diff(np.take_along_axis(scores, ranked, axis=1), axis=1)[:, 0])
        if on_progress is not None:
            on_progress(min(1.0, (start + _BATCH) / len(alone)))
    margin, ranked = np.concatenate(margins), np.concatenate(best)
    uncertain = np.argsort(margin, kind="stable")[: count * settings.candidates_per_choice]
    vectors = dispatcher.vectors([texts[place] for place in alone[uncertain]])
    chosen = uncertain[spread_out(vectors, 1 - margin[uncertain], count, seed=settings.seed)]
    units = dispatcher.experts.head.layout.units
    return [
        Choice(int(alone[i]), float(margin[i]), units[ranked[i, 0]], units[ranked[i, 1]])
        for i in chosen[np.argsort(margin[chosen], kind="stable")].tolist()
    ]


def write_choice(path: Path, chosen: Sequence[Choice], rows: Sequence[tuple[int, Ticket]]) -> int:
    """Write the chosen tickets as a ticket file for the review desk, the least certain first.

    `rows` are the tickets looked at, each with its row. Any label they have is left out.
    """
    records = []
    for rank, choice in enumerate(chosen, start=1):
        row, ticket = rows[choice.place]
        why = {
            "rank": rank,
            "row": row,
            "suggested": choice.first,
            "second": choice.second,
            "margin": round(choice.margin, 6),
        }
        records.append(desk_line(replace(ticket, department=None), DESK_REASON, why))
    return write_jsonl(path, records)


def spread_out(vectors: FloatArray, weights: FloatArray, count: int, *, seed: int) -> IntArray:
    """Return the places of `count` of the vectors [N, D], one of each cluster, int64 [count].

    Clusters are those of k-means with `weights` [N], on directions; of each the one nearest its centre is
    taken. Zhdanov 2019, "Diverse mini-batch Active Learning".
    """
    if len(vectors) <= count:
        return np.arange(len(vectors), dtype=np.int64)
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    model = KMeans(count, n_init=1, random_state=seed, max_iter=50)
    model.fit(directions, sample_weight=np.maximum(weights, 1e-6))
    distance = np.linalg.norm(directions - model.cluster_centers_[model.labels_], axis=1)
    order = np.lexsort((distance, model.labels_))
    first = np.unique(model.labels_[order], return_index=True)[1]
    found = order[first]
    if len(found) < count:  # empty clusters: fill up with the weightiest that are left
        rest = np.setdiff1d(np.argsort(-weights, kind="stable"), found, assume_unique=True)
        found = np.concatenate([found, rest[: count - len(found)]])
    return found.astype(np.int64)
