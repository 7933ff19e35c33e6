"""Which sample comes when: a pure function of (seed, position), so that any step can be resumed without a loader.

Position s counts samples from the start of the run. Epoch e = s // n is a permutation of the n samples, drawn by a
counter-based generator keyed by (seed, e) (Philox; Salmon et al. 2011). Batches run across the ends of epochs: no
sample is dropped, and an epoch is exactly n samples.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["sample_order"]


def sample_order(seed: int, n: int, start: int, count: int) -> NDArray[np.int64]:
    """The indices, in [0, n), of the samples at positions start .. start + count - 1; int64, shape (count,)."""
    out = np.empty(count, dtype=np.int64)
    filled = 0
    while filled < count:
        epoch, offset = divmod(start + filled, n)
        piece = _permutation(seed, epoch, n)[offset : offset + count - filled]
        out[filled : filled + len(piece)] = piece
        filled += len(piece)
    return out


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    key = np.array([seed % 2**64, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(n)
