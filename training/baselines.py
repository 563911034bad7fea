"""What the model must beat: simple systems with one interface, measured on the same tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from training.errors import TrainingError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Embed = Callable[[list[str]], NDArray[np.floating]]

_ROWS_AT_ONCE = 256
_MIN_DOCUMENTS = 2


class Baseline(Protocol):
    """A system that learns classes from texts."""

    def fit(self, texts: Sequence[str], labels: IntArray, n_classes: int) -> Self:
        """Learn from N texts with their classes, int64 [N] in 0..n_classes-1."""
        ...

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 [N, n_classes]; higher is likelier. All are finite."""
        ...


class MajorityClass:
    """Gives every ticket to the unit that gets most of them; then to the next, and so on."""

    def fit(self, texts: Sequence[str], labels: IntArray, n_classes: int) -> Self:
        """Count the classes; the texts are not looked at."""
        _check(texts, labels, n_classes)
        count = np.bincount(labels, minlength=n_classes)
        # Log shares are logits; half a ticket keeps classes never seen from minus infinity.
        self._logits = np.log(np.maximum(count, 0.5) / len(labels)).astype(np.float32)
        return self

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return the log share of every class, the same for each text."""
        return np.tile(self._logits, (len(texts), 1))


class TfidfLinearSVC:
    """TF-IDF over character n-grams of 1 to 4 with a linear SVM in scikit-learn's default settings.

    This is what a good engineer tries first on Chinese tickets. N-grams found in one text only are left
    out: they say nothing of other texts and would fill the memory.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed

    def fit(self, texts: Sequence[str], labels: IntArray, n_classes: int) -> Self:
        """Learn n-grams and one hyperplane a class that occurs."""
        _check(texts, labels, n_classes)
        _check_several(labels)
        self._n_classes = n_classes
        self._vectorizer = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=_MIN_DOCUMENTS, dtype=np.float32
        )
        rows = self._vectorizer.fit_transform(texts)
        model = LinearSVC(random_state=self._seed).fit(rows, labels)
        self._classes = model.classes_
        # Two classes share one hyperplane; so that each has a margin, the other gets the mirrored one.
        two = len(self._classes) == 2
        self._weights = np.vstack([-model.coef_, model.coef_] if two else [model.coef_]).astype(np.float32)
        self._bias = np.concatenate([-model.intercept_, model.intercept_] if two else [model.intercept_])
        return self

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return margins; classes that no training text carried come last."""
        margins = np.empty((len(texts), len(self._classes)), dtype=np.float32)
        for start in range(0, len(texts), _ROWS_AT_ONCE):
            rows = self._vectorizer.transform(texts[start : start + _ROWS_AT_ONCE])
            margins[start : start + rows.shape[0]] = rows @ self._weights.T + self._bias
        return _spread(margins, self._classes, self._n_classes)


class FrozenEncoderLogistic:
    """Logistic regression over the text vectors of an encoder that is not trained any further.

    `embed` turns N texts into vectors [N, D].
    """

    def __init__(self, embed: Embed, *, c: float = 1.0, max_iterations: int = 500) -> None:
        self._embed = embed
        self._c = c
        self._max_iterations = max_iterations

    def fit(self, texts: Sequence[str], labels: IntArray, n_classes: int) -> Self:
        """Standardise the vectors and fit one multinomial regression."""
        _check(texts, labels, n_classes)
        _check_several(labels)
        self._n_classes = n_classes
        vectors = self._embed(list(texts)).astype(np.float32)
        self._scaler: Any = StandardScaler().fit(vectors)
        self._model: Any = LogisticRegression(C=self._c, max_iter=self._max_iterations)
        self._model.fit(self._scaler.transform(vectors), labels)
        return self

    def scores(self, texts: Sequence[str]) -> FloatArray:
        """Return logits; classes that no training text carried come last."""
        vectors = self._scaler.transform(self._embed(list(texts)).astype(np.float32))
        logits = self._model.decision_function(vectors)
        if logits.ndim == 1:  # of two classes scikit-learn gives the second's alone
            logits = np.stack([-logits / 2, logits / 2], axis=1)
        return _spread(logits.astype(np.float32), self._model.classes_, self._n_classes)


def _check(texts: Sequence[str], labels: IntArray, n_classes: int) -> None:
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
    if not texts:
        raise TrainingError("no tickets to learn from", where="baseline")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(f"labels from {labels.min()} to {labels.max()}, but {n_classes} classes")


def _check_several(labels: IntArray) -> None:
    if (labels == labels[0]).all():
        raise TrainingError(
            "all tickets were handled by one unit: there is nothing to tell apart",
            where="baseline",
            expected="tickets of at least two units",
        )


def _spread(known: FloatArray, classes: IntArray, n_classes: int) -> FloatArray:
    """Put the columns of known classes in their places; the others get a little less than the row's least."""
    full = np.tile(known.min(axis=1, keepdims=True) - 1.0, (1, n_classes)).astype(np.float32)
    full[:, classes] = known
    return full
