"""Which of the encoder's precisions is fastest on this machine, and on how many threads: measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import onnxruntime
import structlog

from data.errors import PaidanError
from data.samples import sample_tickets_path
from data.tickets.ticket import Ticket
from data.whole_file import write_text
from model import artifact
from model.artifact import Manifest
from model.decision import Decision
from model.dispatcher import Dispatcher
from model.machine import available_cores, machine
from model.runtime import Precision
from serve.settings import ServeSettings

log = structlog.get_logger(__name__)

FASTER_BY = 0.1
"""How much less time int8 must take than the fastest fp32."""

MOST_DIFFERENT = 0.05
"""Largest difference allowed between a candidate's score by int8 and by fp32."""

_PROBES = 32
_BATCH = 16
_ROUNDS = 3


class TuningError(PaidanError):
    """What was measured cannot be used."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to run the encoder: milliseconds a ticket, and whether it agrees with fp32 on every probe."""

    precision: Precision
    threads: int
    milliseconds: float
    agrees: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was chosen, for which encoder on which machine, and why."""

    precision: Precision
    threads: int
    encoder_sha256: str
    machine: str
    why: str

    def save(self, path: Path) -> None:
        """Write as JSON, in one step."""
        write_text(path, json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Tuning | None:
        """Read what `save` wrote; None if nothing was.

        Raises:
            TuningError: the file is damaged.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
            tuning = cls(**content | {"precision": Precision(content["precision"])})
            if type(tuning.threads) is not int or tuning.threads < 1:
                raise ValueError("threads")
            return tuning
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TuningError(
                f"cannot be read ({type(error).__name__})", where=str(path), fix="Run `paidan tune` again."
            ) from error


def choose(settings: ServeSettings, manifest: Manifest) -> tuple[Precision, int | None]:
    """Return how to run the encoder: as set, else as measured on this machine, else fp32 on all cores.

    A file of measurements that cannot be read is no reason not to answer: it is told, and counts as none.
    """
    try:
        tuning = Tuning.load(settings.tuning_file)
    except TuningError as error:
        log.warning("tuning_unreadable", file=str(settings.tuning_file), why=error.what)
        tuning = None
    measured = (
        tuning is not None
        and tuning.machine == measured_on()
        and tuning.encoder_sha256 == manifest.files[artifact.ENCODER]
    )
    if settings.precision != "auto":
        precision, why = Precision(settings.precision), "as set"
    elif tuning is not None and measured:
        precision, why = tuning.precision, tuning.why
    else:
        precision, why = Precision.FP32, "not measured for this artifact and machine; `paidan tune` does"
    threads = settings.threads
    if threads is None and tuning is not None and measured and tuning.precision is precision:
        threads = tuning.threads
    log.info("encoder", precision=precision.value, threads=threads or "all", why=why)
    return precision, threads


def tune(folder: Path, done: Callable[[int], None] = lambda trials: None) -> tuple[Tuning, list[Trial]]:
    """Measure each precision that the artifact has on 1 to all cores; return the choice and all trials.

    `done` is told of each trial that is over. Raise ArtifactError if the artifact cannot be used.
    """
    dispatcher = Dispatcher.load(folder)
    probes = probe_tickets()
    expected = dispatcher.score(probes)
    trials: list[Trial] = []
    for precision, threads in ways(dispatcher.manifest):
        dispatcher.run_encoder(folder, precision, threads)
        agrees = agree(expected, dispatcher.score(probes))
        trials.append(Trial(precision, threads, _milliseconds(dispatcher, probes), agrees))
        done(1)
    return best(trials, dispatcher.manifest), trials


def ways(manifest: Manifest) -> list[tuple[Precision, int]]:
    """Return the precisions that an artifact has, each on 1, 2, 4, ... and all cores."""
    cores = available_cores()
    counts = sorted({2**power for power in range(cores.bit_length()) if 2**power < cores} | {cores})
    precisions = [p for p in Precision if artifact.ENCODERS[p] in manifest.files]
    return [(precision, threads) for precision in precisions for threads in counts]


def probe_tickets() -> list[Ticket]:
    """Return invented tickets, the sample city's."""
    lines = [json.loads(line) for line in sample_tickets_path().read_text("utf-8").splitlines()]
    return [Ticket(f"probe-{i}", line["text"]) for i, line in enumerate(lines[:_PROBES])]


def agree(expected: Sequence[Decision], found: Sequence[Decision]) -> bool:
    """Tell whether the same unit comes first everywhere, and no score of a candidate is far off."""
    for before, after in zip(expected, found, strict=True):
        if before.candidates[0].department != after.candidates[0].department:
            return False
        old, new = _scores(before), _scores(after)
        if any(abs(old[unit] - new[unit]) > MOST_DIFFERENT for unit in old.keys() & new.keys()):
            return False
    return True


def _scores(decision: Decision) -> dict[str, float]:
    return {c.department.code: c.score for c in decision.candidates if c.score is not None}


def best(trials: Sequence[Trial], manifest: Manifest) -> Tuning:
    """Return the fastest trial; int8 only where it agrees and is faster by FASTER_BY."""
    plain = min((t for t in trials if t.precision is Precision.FP32), key=lambda t: t.milliseconds)
    chosen, why = plain, f"fp32 takes {plain.milliseconds:.1f} ms a ticket on {plain.threads} threads"
    small = [trial for trial in trials if trial.precision is Precision.INT8]
    if small:
        fastest = min(small, key=lambda trial: trial.milliseconds)
        why += f", int8 {fastest.milliseconds:.1f} ms on {fastest.threads}"
        if not all(trial.agrees for trial in small):
            why += " but disagrees with it on invented texts"
        elif fastest.milliseconds < (1 - FASTER_BY) * plain.milliseconds:
            chosen = fastest
        else:
            why += f", which is not {FASTER_BY:.0%} less"
    return Tuning(chosen.precision, chosen.threads, manifest.files[artifact.ENCODER], measured_on(), why)


def measured_on() -> str:
    """Name what the speed depends on: processor, cores and ONNX Runtime."""
    return f"{machine()}, onnxruntime {onnxruntime.__version__}"


def _milliseconds(dispatcher: Dispatcher, probes: Sequence[Ticket]) -> float:
    """Return the time a ticket, of the best of several rounds: each alone, then all in batches."""
    rounds = []
    for _ in range(_ROUNDS):
        started = perf_counter()
        for probe in probes[:_BATCH]:
            dispatcher.score([probe])
        for start in range(0, len(probes), _BATCH):
            dispatcher.score(probes[start : start + _BATCH])
        rounds.append(perf_counter() - started)
    return 1000 * min(rounds) / (_BATCH + len(probes))
