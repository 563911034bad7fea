"""What an expert thinks of tickets that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

from model.combination import LEXICAL, Combination
from model.lexical_features import LexicalFeatures
from model.segment import Segmenter

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_MIN_DOCUMENTS = 3
_TOLERANCE = 1e-2  # a tenth of the time, and the order of the tickets stays
_BELOW_ALL = 1.0


def out_of_fold_probabilities(
    texts: Sequence[str],
    labels: IntArray,
    classes: int,
    segmenter: Segmenter,
    *,
    folds: int,
    c: float,
    seed: int,
    on_progress: Callable[[float], None] | None = None,
) -> FloatArray:
    """Return the probability of each class, float32 [N, classes], by the lexical expert.

    Each ticket is judged by an expert that learned from the other folds; one temperature over all of them
    makes probabilities of the margins. A class that the other folds lack comes last. The terms are counted
    over all texts once: they say nothing of labels.
    """
    features = LexicalFeatures.fit(texts, None, segmenter, min_documents=_MIN_DOCUMENTS)
    rows = features.matrix(texts)
    margins = np.empty((len(texts), classes), dtype=np.float32)
    splits = KFold(folds, shuffle=True, random_state=seed).split(rows)
    for done, (others, fold) in enumerate(splits, start=1):
        model = LinearSVC(C=c, random_state=0, tol=_TOLERANCE).fit(rows[others], labels[others])
        found = model.decision_function(rows[fold])
        if len(model.classes_) == 2:  # scikit-learn keeps one border for two classes
            found = np.stack([-found, found], axis=1)
        margins[fold] = found.min() - _BELOW_ALL
        margins[np.ix_(fold, model.classes_)] = found
        if on_progress is not None:
            on_progress(done / folds)
    return Combination.fit([LEXICAL], [margins], labels).scores([margins])
