"""The estimate's words and numbers."""

from __future__ import annotations

import pytest

from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import Probe
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.schedule.notation import parse_spec
from lrdecay.sweep.costs import Costs
from lrdecay.verbs.estimate import disk_bytes, estimate, planned_runs
from lrdecay.verbs.tuning import Candidate
from lrdecay.verbs.varied import Arm

SOURCE = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))
PROBE = Probe("quadratic", Horizon(epochs=100, steps_per_epoch=10), "loss", "min")


def candidates(*specs: str) -> list[Candidate]:
    return [Candidate(text, parse_spec(text), Arm(None, SOURCE, PROBE), (0.1,)) for text in specs]


STEPS = [
    f'multi_step(0.1, factor={factor}, at=["{first}ep", "{second}ep"])'
    for first in (40, 50, 60)
    for second in (70, 80, 90)
    for factor in (0.1, 0.2, 0.5)
]


def test_the_27_step_decays_are_said_in_epochs() -> None:
    chosen = candidates(*STEPS)
    runs = planned_runs(chosen, (), (0,))
    planned = estimate(chosen, runs, Costs(0.1, 0.0, 0.0, 400_000), 1)

    assert planned.sentences() == [
        "27 runs, 2,700 epochs if run apart, 960 as a tree, about 16 min here; 3 snapshots of 0.4 MB alive at most"
    ]
    assert planned.to_json() | {"seconds": 0} == {
        "runs": 27,
        "steps_naive": 27_000,
        "steps_trained": 9_600,
        "snapshots": 21,
        "peak_snapshots": 3,
        "bytes_per_snapshot": 400_000,
        "peak_bytes": 1_200_000,
        "seconds": 0,
        "near_misses": [],
        "advice": [],
        "assumes": [],
    }


def test_what_starts_slowly_shares_only_what_is_worth_a_start() -> None:
    chosen = candidates(*STEPS)
    runs = planned_runs(chosen, (), (0,))
    slow = estimate(chosen, runs, Costs(0.1, 1e5, 0.0, 1), 1)

    assert slow.steps_trained == slow.steps_naive
    assert "27 runs, 2,700 epochs if run apart, which share next to nothing" in slow.sentences()[0]


def test_where_nothing_can_be_forked_the_plan_says_why() -> None:
    chosen = candidates(*STEPS[:2])
    runs = planned_runs(chosen, (), (0, 1))
    planned = estimate(chosen, runs, Costs(0.1, 0.0, 0.0, 0, "it cannot"), 2)

    assert planned.steps_trained == planned.steps_naive == 4000
    assert planned.assumes == ("every run is made apart: it cannot",)


def test_pilots_are_planned_at_the_first_grid_and_scored_at_the_stated_peak() -> None:
    runs = planned_runs(candidates("linear(0.1)"), (10_000,), (0, 1))

    assert [(r.seed, r.rates[0]) for r in runs] == [(10_000, 0.05), (10_000, 0.1), (10_000, 0.2), (0, 0.1), (1, 0.1)]
    assert runs[0].schedule == repr(parse("linear(0.05)"))


def test_little_room_takes_the_tree_in_order_and_too_little_is_refused() -> None:
    chosen = candidates(*STEPS)
    runs = planned_runs(chosen, (), (0, 1, 2))
    costs = Costs(0.1, 0.0, 0.0, 1000)
    assert estimate(chosen, runs, costs, 2).peak_snapshots > 3
    assert estimate(chosen, runs, costs, 2, room=3).peak_snapshots == 3
    with pytest.raises(InputError, match="must hold 3 snapshots at once, got room for 2"):
        estimate(chosen, runs, costs, 2, room=2)


@pytest.mark.parametrize(("text", "count"), [("2GB", 2e9), ("1.5 mb", 1.5e6), ("700", 700), ("3kB", 3000), ("5 B", 5)])
def test_amounts_of_disk_are_read(text, count) -> None:
    assert disk_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "2 GiB", "lots"])
def test_other_texts_are_refused(text) -> None:
    with pytest.raises(InputError, match="--max-disk"):
        disk_bytes(text)
