"""Variants that differ only in the average of the weights that is measured: one training, and every average beside it.

An average observes its run and changes no update. That is measured and not assumed, since the argument is handed to a
function of the user's: a few updates are made by each variant apart and by one task that measures all of them, and only
where every state is the same bit for bit do they share a source. Elsewhere each is trained apart, as any variant is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError
from lrdecay.runs.drive import measures_several
from lrdecay.runs.spec import Source, View
from lrdecay.runs.task_source import TaskSource
from lrdecay.sweep.pools import Pool

__all__ = ["shared_averages"]

_NAME = "average"
_UPDATES, _RATE = 2, 1e-3


def shared_averages(pool: Pool, sources: Sequence[Source]) -> list[tuple[TaskSource, View] | None]:
    """For each source, the one that measures its average among others, and what of it is its own; None: it has none.

    Args:
        pool: where tasks are built.
        sources: of all variants, each of which can be built.
    """
    alike: dict[str, list[int]] = {}
    for i, source in enumerate(sources):
        if isinstance(source, TaskSource) and isinstance(source.reference.arguments.get(_NAME), str):
            rest = {k: v for k, v in source.reference.arguments.items() if k != _NAME}
            alike.setdefault(json.dumps(rest, sort_keys=True), []).append(i)
    found: list[tuple[TaskSource, View] | None] = [None] * len(sources)
    for members in alike.values():
        apart = [source for i in members if isinstance(source := sources[i], TaskSource)]
        if len(apart) < 2:
            continue
        texts = [source.reference.arguments[_NAME] for source in apart]
        reference = apart[0].reference
        whole = TaskSource(evolve(reference, arguments={**reference.arguments, _NAME: texts}))
        if pool.call(_trains_alike, whole, apart, texts):
            for i, text, source in zip(members, texts, apart, strict=True):
                found[i] = whole, View(text, source)
    return found


def _trains_alike(whole: TaskSource, apart: Sequence[TaskSource], texts: Sequence[str]) -> bool:
    """Whether a few updates leave every variant where the task that measures all of them says it is. In a worker."""
    rates = {"lr": np.full(_UPDATES, _RATE)}
    try:
        together = whole.build(0)
    except InputError:  # the function takes one average only
        return False
    if not measures_several(together) or list(together.averages) != list(texts):
        return False
    together.advance(rates)
    digests, measured = together.digests(), together.evaluate()
    for text, source in zip(texts, apart, strict=True):
        alone = source.build(0)
        alone.advance(rates)
        if alone.digest() != digests.get(text):
            return False
        if any(measured.get(f"{text}/{name}") != value for name, value in alone.evaluate().items()):
            return False
    return True
