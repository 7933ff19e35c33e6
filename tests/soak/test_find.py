"""To find and then to fit is bit for bit to fit: two hundred random combinations, many with an exception."""

from __future__ import annotations

import pytest
import torch
from tests.twice import World, drawn, fit

TRIALS = 200


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_hundred_random_trials_of_find_leave_no_trace():
    torch.set_num_threads(1)
    failed, raised = [], 0
    for seed in range(TRIALS):
        trial = drawn(seed)
        ended: list[BaseException | None] = []

        def look(world: World, ended: list[BaseException | None] = ended) -> None:
            try:
                assert world.find(points=20).restored
            except world.trial.failure as problem:
                assert str(problem) == "on purpose"
                assert not hasattr(problem, "__notes__")
                ended.append(problem)

        try:
            same = fit(trial, found=look) == fit(trial)
        except AssertionError:
            same = False
        if not same:
            failed.append(trial.name)
        raised += len(ended)

    assert failed == []
    assert raised > TRIALS / 5
