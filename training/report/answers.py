"""What the policy simulator needs of an evaluation: figures and units' codes, no text."""

from __future__ import annotations

import numpy as np

from model.decision import Flag
from model.layout import LEVELS
from model.policy_trial import PastAnswers
from training.report.evaluation import Evaluation

_HELD = {Flag.OUT_OF_SCOPE, Flag.DANGER}


def past_answers(evaluation: Evaluation) -> PastAnswers:
    """Return the first candidates of an evaluation, the oldest first; tickets without a date before all."""
    dates = [ticket.created_at.isoformat() if ticket.created_at else "" for ticket in evaluation.tickets]
    order = np.argsort(np.array(dates), kind="stable")
    layout = evaluation.dispatcher.experts.head.layout
    first = evaluation.first[order]
    return PastAnswers(
        evaluation.confidence[order],
        evaluation.ranks[order] == 1,
        np.array([bool(_HELD & set(evaluation.flags[row])) for row in order], dtype=bool),
        np.array(layout.units)[first],
        np.array([LEVELS[level].value for level in layout.level_of[first]]),
    )
