"""What a promise would mean for the hotline: how much goes out by itself, and how much of it wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.errors import PaidanError
from model.intervals import wilson_interval
from model.policy import Policy
from model.policy_trial import Count, PastAnswers, Promise

PER = 1000
"""Tickets that the figures speak of."""

_FEWEST = 50


@dataclass(frozen=True, slots=True)
class Simulation:
    """A policy fit on the earlier half of past tickets, and counted on the later half.

    Of `PER` tickets, `auto` go out by themselves and `misroutes` of those wrong; `preselect`, `suggest` and
    `consult` are left to operators, for `hours` in all. `misroutes_high` is the upper end of a 95% Wilson
    interval. `places` are the counts by level of place, `all_right` how many of a hundred auto are right.
    """

    policy: Policy
    tickets: int
    auto: float
    preselect: float
    suggest: float
    consult: float
    precision: float | None
    misroutes: float
    misroutes_high: float
    hours: float
    places: Sequence[Count]


class TooFewAnswersError(PaidanError):
    """There is not enough to try a policy on."""


def simulate(answers: PastAnswers, promise: Promise, seconds: float) -> Simulation:
    """Try a promise; `seconds` is what an operator needs for a ticket.

    Raises:
        TooFewAnswersError: the report was made of too few tickets.
    """
    if len(answers) < 2 * _FEWEST:
        raise TooFewAnswersError(
            f"{len(answers)} tickets", where="answers", expected=f"at least {2 * _FEWEST}"
        )
    earlier, later = answers.halves()
    policy = earlier.fit(promise)
    counts = list(later.counts(policy))
    whole = counts[0]
    share = {count.name: PER * count.tickets / whole.tickets for count in counts if count.slice == "answer"}
    by_hand = share["preselect"] + share["suggest"] + share["consult"]
    return Simulation(
        policy=policy,
        tickets=whole.tickets,
        auto=share["auto"],
        preselect=share["preselect"],
        suggest=share["suggest"],
        consult=share["consult"],
        precision=1 - whole.wrong / whole.auto if whole.auto else None,
        misroutes=PER * whole.wrong / whole.tickets,
        misroutes_high=share["auto"] * wilson_interval(whole.wrong, whole.auto).high if whole.auto else 0.0,
        hours=by_hand * seconds / 3600,
        places=[count for count in counts if count.slice == "place"],
    )
