"""Past tickets as a training uses them: texts, labels and days, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.splits import duplicate_groups, last_share, split_by_time
from data.tickets.table import to_ticket
from model.inputs import ModelInput, model_input

if TYPE_CHECKING:
    from datasets import Dataset

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled tickets. `labels` is int64 [N], the number of each ticket's unit; `dates` may hold None."""

    inputs: Sequence[ModelInput]
    labels: IntArray
    dates: Sequence[datetime | None]

    @classmethod
    def from_dataset(cls, dataset: Dataset, units: Sequence[str]) -> Corpus:
        """Take the tickets of a dataset whose `department` holds codes of `units`."""
        number = {code: index for index, code in enumerate(units)}
        tickets = [to_ticket(row) for row in dataset]
        return cls(
            inputs=[model_input(ticket) for ticket in tickets],
            labels=np.array([number[ticket.department or ""] for ticket in tickets], dtype=np.int64),
            dates=[ticket.created_at for ticket in tickets],
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def texts(self) -> list[str]:
        """Return what the experts read of each ticket."""
        return [item.text for item in self.inputs]

    def select(self, rows: IntArray) -> Corpus:
        """Return the tickets at the given places, in that order."""
        return Corpus(
            inputs=[self.inputs[i] for i in rows],
            labels=self.labels[rows],
            dates=[self.dates[i] for i in rows],
        )

    def followed_by(self, other: Corpus) -> Corpus:
        """Return the tickets of both."""
        return Corpus(
            inputs=[*self.inputs, *other.inputs],
            labels=np.concatenate([self.labels, other.labels]),
            dates=[*self.dates, *other.dates],
        )

    def before(self, until: date) -> Corpus:
        """Return the tickets up to and including a day, with all their duplicates."""
        earlier, _ = split_by_time(self.dates, duplicate_groups(self.texts), until)
        return self.select(earlier)

    def cut_latest(self, share: float) -> tuple[Corpus, Corpus]:
        """Cut off the latest share; duplicates stay on one side."""
        earlier, latest = last_share(self.dates, duplicate_groups(self.texts), share)
        return self.select(earlier), self.select(latest)
