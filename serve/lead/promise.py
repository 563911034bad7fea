"""What the policy that runs promises of `auto`, and whether the audits bear it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from serve.lead.statistics import Share


class Verdict(StrEnum):
    """What an interval says about the promise."""

    KEPT = "kept"
    BROKEN = "broken"
    OPEN = "open"


VERDICTS = {Verdict.KEPT: "达到承诺", Verdict.BROKEN: "低于承诺", Verdict.OPEN: "样本不足以判断"}


@dataclass(frozen=True, slots=True)
class Promise:
    """A precision of `auto`, which the policy's thresholds were chosen for."""

    precision: float

    @classmethod
    def of(cls, scorer: Any) -> Promise | None:
        """Read it from the policy of what answers; None if that has no policy."""
        policy = getattr(scorer, "policy", None)
        return None if policy is None else cls(policy.promised_precision)

    def verdict(self, seen: Share) -> Verdict:
        """Hold an audited share against the promise: only a whole interval above or below decides."""
        interval = seen.interval
        if interval.high < self.precision:
            return Verdict.BROKEN
        return Verdict.KEPT if interval.low >= self.precision else Verdict.OPEN
