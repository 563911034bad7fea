"""Drift, computed beside the serving and kept: it reads months of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from threading import Lock, Thread
from typing import Any

import structlog

from serve.insight.drift import AlertKind, Drift, measure_drift
from serve.insight.period import CITY_TIME
from serve.insight.records import read_records
from serve.logs import describe_error
from serve.store.base import now
from serve.store.engine import Store

log = structlog.get_logger(__name__)

WEEKS, REFERENCE_WEEKS, LEAST = 12, 4, 5
"""As `paidan drift` looks, unless told otherwise."""

PAUSE = timedelta(hours=1)
"""At least so long from one computation to the next."""


class State(StrEnum):
    """What is going on."""

    IDLE = "idle"  # it may be computed
    RUNNING = "running"
    FRESH = "fresh"  # it was, within PAUSE
    FAILED = "failed"  # the last time went wrong; it may be tried again


@dataclass(frozen=True, slots=True)
class KeptDrift:
    """What was found, and when; `seconds` is what it took."""

    at: datetime
    seconds: float
    drift: Drift


class DriftKeeper:
    """Keeps the last drift that was found; one computation at a time, in a thread of its own."""

    def __init__(self, read: Callable[[datetime], Drift]) -> None:
        self._read = read
        self._lock = Lock()
        self._running = False
        self._failed = False
        self._kept: KeptDrift | None = None

    @classmethod
    def over(cls, store: Store | None, scorer: Any) -> DriftKeeper | None:
        """Put it together over an open store; None without one, or if the scorer gives no vectors."""
        if store is None or not hasattr(scorer, "vectors"):
            return None
        return cls(lambda at: read_drift(store, scorer, at))

    @property
    def kept(self) -> KeptDrift | None:
        """Return what was last found."""
        return self._kept

    @property
    def state(self) -> State:
        """Tell what is going on."""
        if self._running:
            return State.RUNNING
        if self._failed:
            return State.FAILED
        kept = self._kept
        return State.FRESH if kept is not None and now() < kept.at + PAUSE else State.IDLE

    def start(self) -> State:
        """Begin to compute, unless that is going on or was done within PAUSE; return the state before."""
        with self._lock:
            state = self.state
            if state in (State.IDLE, State.FAILED):
                self._running, self._failed = True, False
                # It dies with the process: a stop of the service does not wait for it.
                Thread(target=self._compute, name="paidan-drift", daemon=True).start()
            return state

    def alerts(self) -> frozenset[AlertKind] | None:
        """Return what drifted in the last week that had ended; None before anything was found."""
        kept = self._kept
        if kept is None:
            return None
        today = kept.at.astimezone(CITY_TIME).date()
        ended = [week for week in kept.drift.weeks if week.first + timedelta(days=7) <= today]
        return frozenset(alert.kind for alert in ended[-1].alerts) if ended else frozenset()

    def _compute(self) -> None:
        started = now()
        try:
            drift = self._read(started)
            self._kept = KeptDrift(started, (now() - started).total_seconds(), drift)
        except Exception as error:  # whatever it was, the page says so and it can be tried again
            self._failed = True
            log.error("drift_failed", **describe_error(error))
        finally:
            self._running = False


def read_drift(store: Store, scorer: Any, at: datetime) -> Drift:
    """Compare the weeks before a moment, with the words, vectors and promise of what answers."""

    def words(text: str) -> Sequence[str]:
        found: Sequence[str] = scorer.experts.lexical.features.segmenter.words(text)
        return found

    return measure_drift(
        list(read_records(store, at - timedelta(weeks=WEEKS), at)),
        words,
        scorer.vectors,
        reference_weeks=REFERENCE_WEEKS,
        promised=scorer.policy.promised_precision,
        least=LEAST,
    )


def week_label(first: date) -> str:
    """Write a week as its first and last day."""
    return f"{first:%m-%d} 至 {first + timedelta(days=6):%m-%d}"
