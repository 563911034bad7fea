"""How good answers are: accuracy, calibration and selective prediction. Shares of nothing are NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.intervals import Interval
from training.resampling import SEED, bootstrap_interval

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Tickets of like confidence: how sure the model was, and how often it was right."""

    tickets: int
    lowest: float
    highest: float
    mean_confidence: float
    accuracy: float


# --- ranking ----------------------------------------------------------------


def right_ranks(scores: FloatArray, labels: IntArray) -> IntArray:
    """Return int64 [N], the rank of each right class, 1 being the best.

    Ranks are those of a stable sort, as argmax picks: of equal scores, the lower class number comes first.

    Args:
        scores: [N, C], higher is likelier; NaN is not allowed.
        labels: int64 [N] in 0..C-1.

    Raises:
        ValueError: shapes do not match, a label is out of range, or a score is NaN.
    """
    if scores.ndim != 2 or labels.shape != (len(scores),):
        raise ValueError(f"scores of shape {scores.shape} and labels of shape {labels.shape}")
    if len(labels) == 0:
        return np.empty(0, dtype=np.int64)
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(f"labels from {labels.min()} to {labels.max()}, but {scores.shape[1]} classes")
    if np.isnan(scores).any():
        raise ValueError("a score is NaN")
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    ahead = (scores > own) | ((scores == own) & earlier)
    ranks: IntArray = 1 + ahead.sum(axis=1, dtype=np.int64)
    return ranks


def top_k_accuracy(ranks: IntArray, k: int) -> float:
    """Return the share of tickets whose right class is among the first k."""
    if k < 1:
        raise ValueError(f"k is {k}")
    return _mean(ranks <= k)


def mean_reciprocal_rank(ranks: IntArray) -> float:
    """Return the mean of 1 / rank (Voorhees 1999, TREC-8 question answering track)."""
    return _mean(1.0 / ranks)


def macro_f1(predicted: IntArray, labels: IntArray) -> float:
    """Return the unweighted mean of F1 over the classes found among labels or predictions.

    A class never predicted, or predicted but never right, counts as 0: the definition of
    scikit-learn's f1_score(average="macro", zero_division=0).
    """
    if predicted.shape != labels.shape:
        raise ValueError(f"{predicted.shape} predictions and {labels.shape} labels")
    if len(labels) == 0:
        return float("nan")
    classes = 1 + int(max(predicted.max(), labels.max()))
    hits = np.bincount(labels[predicted == labels], minlength=classes)
    found = np.bincount(predicted, minlength=classes) + np.bincount(labels, minlength=classes)
    return float((2 * hits[found > 0] / found[found > 0]).mean())


# --- calibration ------------------------------------------------------------


def reliability_table(confidence: FloatArray, right: BoolArray, bins: int = BINS) -> list[ReliabilityBin]:
    """Sort tickets by confidence into bins of (almost) equal size and compare confidence with accuracy.

    Equal mass instead of equal width: Nixon et al. 2019, "Measuring Calibration in Deep Learning".
    Tickets of one confidence share their average outcome, so that the order of the rows does not matter.

    Args:
        confidence: [N] in [0, 1], the score of the class answered.
        right: [N], whether it was the right one.
        bins: number of bins; fewer when there are fewer tickets.
    """
    _check_pairs(confidence, right)
    if len(confidence) == 0:
        return []
    _, group, size = np.unique(confidence, return_inverse=True, return_counts=True)
    shared = (np.bincount(group, weights=right) / size)[group]
    order = np.argsort(confidence)
    sure, outcome = confidence[order], shared[order]
    return [
        ReliabilityBin(
            tickets=len(rows),
            lowest=float(sure[rows[0]]),
            highest=float(sure[rows[-1]]),
            mean_confidence=float(sure[rows].mean()),
            accuracy=float(outcome[rows].mean()),
        )
        for rows in np.array_split(np.arange(len(sure)), min(bins, len(sure)))
    ]


def expected_calibration_error(confidence: FloatArray, right: BoolArray, bins: int = BINS) -> float:
    """Return the mean gap between confidence and accuracy over the bins, weighted by their tickets.

    Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", with the bins
    of `reliability_table`. 0 is perfect. Even a perfect model shows a little on few tickets.
    """
    table = reliability_table(confidence, right, bins)
    if not table:
        return float("nan")
    return sum(b.tickets * abs(b.mean_confidence - b.accuracy) for b in table) / len(confidence)


def calibration_error_interval(
    confidence: FloatArray, right: BoolArray, bins: int = BINS, *, level: float = 0.95, seed: int = SEED
) -> Interval:
    """Return the bootstrap interval of the expected calibration error.

    It leans high: resampling adds noise to every bin, and the error counts noise as a gap.
    """
    return bootstrap_interval(
        lambda rows: expected_calibration_error(confidence[rows], right[rows], bins),
        len(confidence),
        level=level,
        seed=seed,
    )


# --- selective prediction ---------------------------------------------------


def risk_coverage_curve(confidence: FloatArray, right: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return coverage and risk, both [M], with one point for each distinct confidence, from high to low.

    At each point all tickets from that confidence on are answered: coverage is their share, risk the
    share of wrong ones among them (El-Yaniv and Wiener 2010). Tickets of one confidence come together
    or not at all, since no threshold can part them.
    """
    _check_pairs(confidence, right)
    order = np.argsort(-confidence, kind="stable")
    sure = confidence[order]
    last_of_value = (
        np.flatnonzero(np.append(sure[1:] != sure[:-1], True)) if len(sure) else np.empty(0, np.int64)
    )
    taken = last_of_value + 1
    wrong = np.cumsum(~right[order])[last_of_value]
    return taken / max(1, len(sure)), wrong / taken


def coverage_at_precision(confidence: FloatArray, right: BoolArray, precision: float) -> float:
    """Return the largest share of tickets, taken by falling confidence, that is right often enough.

    `precision` is the least share of right answers among those taken. The figure is read off the same
    tickets that it is stated for: it compares systems, but promises nothing (`model.policy` does).
    """
    if len(confidence) == 0:
        return float("nan")
    coverage, risk = risk_coverage_curve(confidence, right)
    # 19 right of 20 are 95%, but 1/20 is not quite 1 - 0.95 in floating point.
    return float(coverage[risk <= 1 - precision + 1e-12].max(initial=0.0))


def _mean(values: FloatArray | BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _check_pairs(confidence: FloatArray, right: BoolArray) -> None:
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"{confidence.shape} confidences and {right.shape} outcomes")
    if right.dtype != np.bool_:
        raise ValueError(f"outcomes are {right.dtype}, not bool")
    if np.isnan(confidence).any():
        raise ValueError("a confidence is NaN")
