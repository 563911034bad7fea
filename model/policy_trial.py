"""What a policy would have done with past tickets, before it is saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.tickets.ticket import Ticket
from model import artifact
from model.decision import Level
from model.dispatcher import Dispatcher
from model.errors import ArtifactError
from model.layout import LEVELS
from model.policy import Policy

ANSWERS = "answers.json"
"""Where a report keeps them, for the policy simulator."""

_FORMAT = 1
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Promise:
    """What a policy is fit for: `precision` of auto and `preselect`, each with `confidence`."""

    precision: float
    preselect: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Count:
    """How many tickets of a slice there were, went out by themselves, and were wrong among those."""

    slice: str
    name: str
    tickets: int
    auto: int
    wrong: int


@dataclass(frozen=True, slots=True)
class PastAnswers:
    """First candidates of labelled tickets, oldest first; every array is [N].

    `held` are the tickets that their flags keep for a person; `places` are levels of the units' places.
    """

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    held: NDArray[np.bool_]
    units: NDArray[np.str_]
    places: NDArray[np.str_]

    @classmethod
    def of(
        cls,
        dispatcher: Dispatcher,
        tickets: Sequence[Ticket],
        on_tickets: Callable[[int], None] = lambda _: None,
    ) -> PastAnswers:
        """Score tickets whose `department` is a unit's code; `on_tickets` hears how many more are done."""
        layout = dispatcher.experts.head.layout
        dated = [ticket for ticket in tickets if ticket.created_at is not None]
        undated = [ticket for ticket in tickets if ticket.created_at is None]
        ordered = [*undated, *sorted(dated, key=lambda ticket: str(ticket.created_at))]
        scores, first, held = [], [], []
        for start in range(0, len(ordered), _BATCH):
            batch = ordered[start : start + _BATCH]
            found, kept = dispatcher.assess(batch)
            scores.append(found.max(axis=1))
            first.append(found.argmax(axis=1))
            held.append(kept)
            on_tickets(len(batch))
        rows = np.concatenate(first)
        units = np.array(layout.units)[rows]
        return cls(
            np.concatenate(scores),
            units == np.array([ticket.department for ticket in ordered]),
            np.concatenate(held),
            units,
            np.array([LEVELS[level].value for level in layout.level_of[rows]]),
        )

    def to_json(self) -> str:
        """Return them as JSON, figures and units' codes only."""
        content = {name: getattr(self, name).tolist() for name in self.__slots__}
        return json.dumps({"format": _FORMAT, **content}, ensure_ascii=False)

    @classmethod
    def load(cls, path: Path) -> PastAnswers:
        """Read what `to_json` gave.

        Raises:
            ArtifactError: the file cannot be read, or is of another format.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
            if content.pop("format") != _FORMAT:
                raise ValueError("format")
            scores, right, held = content["scores"], content["right"], content["held"]
            answers = cls(
                np.array(scores, dtype=np.float32),
                np.array(right, dtype=bool),
                np.array(held, dtype=bool),
                np.array(content["units"], dtype=str),
                np.array(content["places"], dtype=str),
            )
            if len({getattr(answers, name).shape for name in cls.__slots__}) > 1:
                raise ValueError("lengths differ")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"unreadable ({type(error).__name__})",
                where=str(path),
                fix="`paidan report` writes it again.",
            ) from error
        return answers

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, chosen: NDArray[np.bool_] | slice) -> PastAnswers:
        """Return some of them."""
        return PastAnswers(
            self.scores[chosen],
            self.right[chosen],
            self.held[chosen],
            self.units[chosen],
            self.places[chosen],
        )

    def halves(self) -> tuple[PastAnswers, PastAnswers]:
        """Return the earlier half and the later one."""
        middle = len(self) // 2
        return self.select(slice(None, middle)), self.select(slice(middle, None))

    def fit(self, promise: Promise) -> Policy:
        """Fit a policy on those that no flag keeps for a person."""
        free = self.select(~self.held)
        return Policy.fit(
            free.scores,
            free.right,
            free.units.tolist(),
            free.places.tolist(),
            auto_precision=promise.precision,
            preselect_precision=promise.preselect,
            confidence=promise.confidence,
        )

    def counts(self, policy: Policy) -> Iterator[Count]:
        """Yield what a policy does with them: in all, by its level, by level of place and by unit."""
        levels = np.array(
            [
                policy.level(score, unit, place, held=held).value
                for score, unit, place, held in zip(
                    self.scores.tolist(),
                    self.units.tolist(),
                    self.places.tolist(),
                    self.held.tolist(),
                    strict=True,
                )
            ],
            dtype=str,
        )
        auto = levels == Level.AUTO.value
        yield self._count("all", "all", np.ones(len(self), dtype=bool), auto)
        for level in Level:  # here `wrong` counts the first candidates of that level
            of_level = levels == level.value
            wrong = int((of_level & ~self.right).sum())
            yield Count("answer", level.value, int(of_level.sum()), int((of_level & auto).sum()), wrong)
        for word, values in (("place", self.places), ("department", self.units)):
            for name in sorted(set(values.tolist())):
                yield self._count(word, name, values == name, auto)

    def _count(self, word: str, name: str, chosen: NDArray[np.bool_], auto: NDArray[np.bool_]) -> Count:
        out = chosen & auto
        return Count(word, name, int(chosen.sum()), int(out.sum()), int((out & ~self.right).sum()))


def write_with_policy(source: Path, policy: Policy, output: Path, fitted_on: Mapping[str, Any]) -> str:
    """Write a copy of an artifact with another policy and return the policy's version.

    The model's version stays; the manifest's data say what the policy was fit on.

    Raises:
        ArtifactError: the source is not whole.
    """
    with artifact.changed_copy(source, output, policy=dict(fitted_on)) as folder:
        policy.save(folder / artifact.POLICY)
    return artifact.read_manifest(output).policy_version
