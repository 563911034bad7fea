"""What an artifact answers to labelled tickets, beside what was right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data.catalog.entries import Department
from data.tickets.ticket import Ticket
from model.decision import Flag, Level
from model.dispatcher import Dispatcher
from model.flags import FlagFinder
from model.inputs import model_input
from model.layout import LEVELS
from training.metrics import right_ranks
from training.report.labelled import Labelled

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

KEPT = 5
UNKNOWN = -1

_BATCH = 64


@dataclass(frozen=True)
class Evaluation:
    """Answers to N tickets, in their order; what is an array has a row for each ticket.

    `labels` int64 [N] are rows of the layout's units, -1 where this artifact's catalog does not know the
    unit: no answer to such a ticket is right. `ranked` int64 [N, K] are the K best rows, the best first, and
    `scores` float32 [N, K] their calibrated probabilities. `ranks` int64 [N] is the place of the right unit
    among all, 1 being the best, 0 for an unknown one. `levels` [N] holds values of `Level`.
    """

    dispatcher: Dispatcher
    labelled: Labelled
    labels: IntArray
    ranked: IntArray
    scores: FloatArray
    ranks: IntArray
    levels: NDArray[np.str_]
    flags: Sequence[tuple[Flag, ...]]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def tickets(self) -> Sequence[Ticket]:
        """Return the tickets."""
        return self.labelled.tickets

    @cached_property
    def units(self) -> tuple[Department, ...]:
        """Return the units that the rows of `labels` and `ranked` stand for."""
        departments = self.dispatcher.catalog.departments
        return tuple(departments[code] for code in self.dispatcher.experts.head.layout.units)

    @property
    def first(self) -> IntArray:
        """Return the row of each first candidate, int64 [N]."""
        first: IntArray = self.ranked[:, 0]
        return first

    @property
    def confidence(self) -> FloatArray:
        """Return the score of each first candidate, float32 [N]."""
        confidence: FloatArray = self.scores[:, 0]
        return confidence

    @property
    def right(self) -> BoolArray:
        """Return whether each first candidate is the right unit, bool [N]."""
        return self.within(1)

    def within(self, k: int) -> BoolArray:
        """Return whether the right unit is among the first `k`, bool [N]."""
        found: BoolArray = (self.ranks > 0) & (self.ranks <= k)
        return found

    @property
    def auto(self) -> BoolArray:
        """Return what the policy would have routed by itself, bool [N]."""
        auto: BoolArray = self.levels == Level.AUTO.value
        return auto

    def unit_names(self) -> list[str]:
        """Return the name of each right unit; of an unknown one, as the ticket has it."""
        return [
            self.units[row].name if row != UNKNOWN else ticket.department or ""
            for row, ticket in zip(self.labels, self.tickets, strict=True)
        ]


def evaluate(
    dispatcher: Dispatcher,
    labelled: Labelled,
    *,
    on_tickets: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Score labelled tickets; `on_tickets` hears how many more are done."""
    layout = dispatcher.experts.head.layout
    number = {code: row for row, code in enumerate(layout.units)}
    flags_of = FlagFinder.from_config(dispatcher.catalog.gazetteer)
    kept = min(KEPT, len(layout.units))
    parts: list[tuple[IntArray, IntArray, FloatArray, IntArray]] = []
    levels: list[str] = []
    flags: list[tuple[Flag, ...]] = []
    for start in range(0, len(labelled.tickets), _BATCH):
        batch = labelled.tickets[start : start + _BATCH]
        scores, held = dispatcher.assess(batch)
        ranked = np.argsort(-scores, axis=1, kind="stable")[:, :kept]
        best = np.take_along_axis(scores, ranked, axis=1)
        labels = np.array([_row(dispatcher, number, ticket) for ticket in batch], dtype=np.int64)
        ranks = np.where(labels == UNKNOWN, 0, right_ranks(scores, np.maximum(labels, 0)))
        parts.append((labels, ranked, best, ranks))
        firsts = zip(ranked[:, 0].tolist(), best[:, 0].tolist(), held.tolist(), strict=True)
        for unit, score, is_held in firsts:
            place = LEVELS[layout.level_of[unit]].value
            levels.append(dispatcher.policy.level(score, layout.units[unit], place, held=is_held).value)
        inputs = [model_input(ticket) for ticket in batch]
        for item, reading in zip(inputs, dispatcher.experts.read_places(inputs), strict=True):
            found = flags_of.find(item.text, reading.placed)
            flags.append((*found, Flag.TEXT_TRUNCATED) if _is_truncated(dispatcher, item.text) else found)
        on_tickets(len(batch))
    labels, ranked, best, ranks = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Evaluation(dispatcher, labelled, labels, ranked, best, ranks, np.array(levels, dtype=str), flags)


def _is_truncated(dispatcher: Dispatcher, text: str) -> bool:
    runtime = dispatcher.experts.runtime
    return len(text) > runtime.max_tokens and runtime.is_truncated(text)


def _row(dispatcher: Dispatcher, number: dict[str, int], ticket: Ticket) -> int:
    unit = dispatcher.catalog.find_unit(ticket.department or "")
    return number.get(unit.code, UNKNOWN) if unit is not None else UNKNOWN
