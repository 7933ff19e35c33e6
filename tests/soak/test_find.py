"""To find and then to fit is bit for bit to fit: two hundred random combinations, many with an exception."""

from __future__ import annotations

import pytest
import torch
from tests.twice import Trial, World, drawn, fit

TRIALS = 200


def outcome(trial: Trial) -> tuple[bool, bool]:
    """Whether nothing was left behind, and whether an exception came out."""
    raised: list[bool] = []

    def look(world: World) -> None:
        try:
            assert world.find(points=20).restored
        except trial.failure as problem:
            raised.append(True)
            if str(problem) != "on purpose" or hasattr(problem, "__notes__"):
                raise

    try:
        same = fit(trial, found=look) == fit(trial)
    except (AssertionError, trial.failure):
        same = False
    return same, bool(raised)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_hundred_random_trials_of_find_leave_no_trace():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        outcomes = {trial.name: outcome(trial) for trial in map(drawn, range(TRIALS))}
    finally:
        torch.set_num_threads(threads)

    assert [name for name, (same, _) in outcomes.items() if not same] == []
    assert sum(raised for _, raised in outcomes.values()) > len(outcomes) / 5
