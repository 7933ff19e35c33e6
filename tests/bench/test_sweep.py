"""The bench of sharing: its runs and its arithmetic; the measurement itself is not run."""

from __future__ import annotations

import pytest
from bench.sweep import cooldowns, ratios_of, step_decays

from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.tree import Line, plan_tree


def test_the_24_schedules_differ_from_one_another_and_share_two_thirds_of_their_updates() -> None:
    written = [*step_decays((40, 60), (0.1, 0.5)), *cooldowns()]
    tables = [parse(text).bind(Horizon(steps=50)).values() for text in written]
    tree = plan_tree([Line(b"", table) for table in tables])

    assert len({table.tobytes() for table in tables}) == len(written) == 24
    assert (tree.steps_naive, tree.steps_trained) == (1200, 414)


def test_a_tree_that_costs_its_share_of_the_loop_has_the_ratio_one() -> None:
    found = {
        "start": {"cpu": 2.0, "wall": 1.0},
        "tree": {"cpu": 27.0, "wall": 13.5},
        "loop": {"cpu": 102.0, "wall": 51},
    }
    ratios = ratios_of(found, 0.25)

    assert ratios["cpu ratio after the start"] == pytest.approx(1)
    assert ratios["cpu ratio"] == pytest.approx(27 / 25.5)
    assert ratios["wall ratio after the start"] == pytest.approx(1)
