"""How good frozen features are for a target: a ridge classifier on a few labels, and LogME. Pure.

Ridge: features (n, d), each less its mean and over its standard deviation on the labelled samples; targets one-hot; the
penalty that has the least squared error over 5 folds of the labelled samples, then all of them; the class of the
largest output.

LogME (You, Liu, Wang and Long, LogME: Practical Assessment of Pre-trained Models for Transfer Learning, 2021,
arXiv:2102.11005): for each class, with y its indicator, the evidence of y = F w + noise with w ~ N(0, 1/alpha) and
noise ~ N(0, 1/beta), at the alpha and beta that maximize it, as a logarithm per sample; the mean over classes. Larger
is better.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["accuracy", "log_me", "ridge"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_PENALTIES = np.logspace(-4, 2, 13)  # times the number of samples
_FOLDS = 5


def accuracy(
    features: FloatArray, labels: IntArray, train: IntArray, test: IntArray, rng: np.random.Generator
) -> float:
    """The share of test samples of which a ridge classifier on the labelled ones is right.

    Args:
        features: of all samples, shape (n, d).
        labels: of all samples, from 0, shape (n,).
        train: indices of the labelled ones.
        test: of those to be classified.
        rng: draws the folds.
    """
    x, y = features[train], labels[train]
    mean, sd = x.mean(axis=0), x.std(axis=0)
    sd = np.where(sd > 1e-12, sd, 1.0)
    x = (x - mean) / sd
    targets = np.eye(int(labels.max()) + 1)[y]
    outputs = ridge(x, targets, (features[test] - mean) / sd, rng)
    return float(np.mean(outputs.argmax(axis=1) == labels[test]))


def ridge(x: FloatArray, targets: FloatArray, new: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Outputs (m, k) for new samples (m, d), given samples (n, d) with targets (n, k); the penalty by folds."""
    folds = np.array_split(rng.permutation(len(x)), _FOLDS)
    errors = np.zeros(len(_PENALTIES))
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(x)), fold)
        outputs = _outputs(x[rest], targets[rest], x[fold], _PENALTIES)
        errors += ((outputs - targets[fold]) ** 2).sum(axis=(1, 2))
    return np.asarray(_outputs(x, targets, new, _PENALTIES[[int(errors.argmin())]])[0])


def _outputs(x: FloatArray, targets: FloatArray, new: FloatArray, penalties: FloatArray) -> FloatArray:
    """Shape (penalties, m, k)."""
    centre, level = x.mean(axis=0), targets.mean(axis=0)
    x = x - centre
    values, vectors = np.linalg.eigh(x.T @ x)
    along = vectors.T @ (x.T @ (targets - level))
    weights = along / (np.maximum(values, 0.0)[:, None] + len(x) * penalties[:, None, None])
    return np.asarray(((new - centre) @ vectors) @ weights + level)


def log_me(features: FloatArray, labels: IntArray) -> float:
    """See the module; features (n, d), labels (n,)."""
    n, d = features.shape
    u, s, _ = np.linalg.svd(features, full_matrices=False)
    sigma = np.zeros(d)
    sigma[: len(s)] = s**2
    found = []
    for k in np.unique(labels):
        y = (labels == k).astype(np.float64)
        along = np.zeros(d)
        along[: len(s)] = (u.T @ y) ** 2
        outside = max(float(y @ y - along.sum()), 1e-12)
        alpha = beta = 1.0
        for _ in range(100):
            ratio = alpha / beta
            gamma = float((sigma / (sigma + ratio)).sum())
            size = float((sigma * along / (sigma + ratio) ** 2).sum())
            error = float((along * (ratio / (sigma + ratio)) ** 2).sum()) + outside
            alpha, beta = gamma / max(size, 1e-12), (n - gamma) / error
            if abs(alpha / beta - ratio) <= 1e-3 * ratio:
                break
        found.append(
            (d * math.log(alpha) + n * math.log(beta / (2 * math.pi)) - float(np.log(alpha + beta * sigma).sum())) / 2
            - (beta * error + alpha * size) / 2
        )
    return float(np.mean(found) / n)
