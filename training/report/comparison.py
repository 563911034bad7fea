"""Champion and challenger on the same tickets: what got better, what got worse, what nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from data.tickets.ticket import Ticket
from training.errors import TrainingError
from training.report.differences import ALL, Difference, Measure, Outcomes, Verdict, compare_outcomes
from training.report.evaluation import UNKNOWN, Evaluation
from training.report.figures import SMALL, Headline, headline
from training.report.gates import GateOutcome, GateSettings, Measured, check_gates
from training.report.groups import NONE, Grouping, groups_of
from training.report.latency import Latency, measure_latency
from training.resampling import SEED


class FlipKind(StrEnum):
    """What a changed first candidate came to."""

    FIXED = "fixed"
    BROKEN = "broken"
    OTHER = "other"  # wrong before and after


@dataclass(frozen=True, slots=True)
class Flip:
    """A ticket that the two answer differently; `row` is its place among the tickets."""

    row: int
    ticket_id: str
    kind: FlipKind
    right: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was compared. `differences` starts with those of all tickets."""

    champion: Evaluation
    challenger: Evaluation
    champion_headline: Headline
    challenger_headline: Headline
    differences: Sequence[Difference]
    flips: Sequence[Flip]
    latency: Latency
    gates: Sequence[GateOutcome]
    seed: int

    @property
    def passed(self) -> bool:
        """Tell whether every gate is open."""
        return all(gate.passed for gate in self.gates)

    def of(self, scope: str, measure: Measure) -> list[Difference]:
        """Return the differences of one scope and measure, the group of most tickets first."""
        return [row for row in self.differences if row.scope == scope and row.measure is measure]

    def told(self, verdict: Verdict) -> list[Difference]:
        """Return the differences of families and districts with this verdict."""
        return [row for row in self.differences if row.scope != ALL and row.verdict is verdict]


def compare(
    champion: Evaluation, challenger: Evaluation, gates: GateSettings, *, seed: int = SEED
) -> Comparison:
    """Compare two artifacts that were evaluated on the same tickets, and check the gates.

    Takes a minute or less of scoring besides, to time both. A ticket whose unit one side's catalog does not
    know counts as wrong for that side.

    Raises:
        TrainingError: the tickets are not the same.
    """
    if [_identity(t) for t in champion.tickets] != [_identity(t) for t in challenger.tickets]:
        raise TrainingError(
            f"{len(champion)} and {len(challenger)} tickets that differ",
            where="comparison",
            expected="both artifacts evaluated on the same tickets",
        )
    before, after = headline(champion), headline(challenger)
    differences = compare_outcomes(
        _outcomes(champion),
        _outcomes(challenger),
        {by.value: _names(challenger, champion, by) for by in (Grouping.FAMILY, Grouping.DISTRICT)},
        least=SMALL,
        seed=seed,
    )
    latency = measure_latency(champion.dispatcher, challenger.dispatcher, challenger.tickets)
    measured = Measured(
        tickets=len(challenger),
        differences=differences,
        calibration_error=after.ece.value,
        auto_precision=after.auto_precision.value,
        promised_precision=challenger.dispatcher.policy.promised_precision,
        latency_ratio=latency.ratio,
    )
    return Comparison(
        champion=champion,
        challenger=challenger,
        champion_headline=before,
        challenger_headline=after,
        differences=differences,
        flips=_flips(champion, challenger),
        latency=latency,
        gates=check_gates(measured, gates),
        seed=seed,
    )


def _identity(ticket: Ticket) -> tuple[str, str, str | None]:
    return ticket.ticket_id, ticket.text, ticket.department


def _outcomes(evaluation: Evaluation) -> Outcomes:
    return Outcomes(evaluation.right, evaluation.within(3), evaluation.auto)


def _names(challenger: Evaluation, champion: Evaluation, by: Grouping) -> list[str]:
    """Return the group of each ticket as the newer catalog has it; of a unit it does not know, the older."""
    pairs = zip(groups_of(challenger, by), groups_of(champion, by), challenger.labels.tolist(), strict=True)
    names = [older if label == UNKNOWN else newer for newer, older, label in pairs]
    return ["" if name == NONE else name for name in names]


def _flips(champion: Evaluation, challenger: Evaluation) -> list[Flip]:
    names = [(side.units, side.first.tolist(), side.right.tolist()) for side in (champion, challenger)]
    (old_units, old_first, was_right), (new_units, new_first, is_right) = names
    labels = zip(challenger.unit_names(), champion.unit_names(), challenger.labels.tolist(), strict=True)
    flips = []
    for row, (newer, older, label) in enumerate(labels):
        before, after = old_units[old_first[row]].name, new_units[new_first[row]].name
        if was_right[row] == is_right[row] and (is_right[row] or before == after):
            continue
        kind = FlipKind.OTHER
        if was_right[row] != is_right[row]:
            kind = FlipKind.FIXED if is_right[row] else FlipKind.BROKEN
        right = older if label == UNKNOWN else newer
        flips.append(Flip(row, challenger.tickets[row].ticket_id, kind, right, before, after))
    return flips
