"""none, ema and lawa are one training where they are the same training, and their results are those of runs apart."""

from __future__ import annotations

import pytest

import lrdecay
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.sources import source_of
from lrdecay.verbs.variants import parse_variants
from lrdecay.verbs.varied import arms_of

TASKS = """
import torch
from lrdecay.adapters.torch import TorchTask

def faithful(seed, average="none", momentum=0.0, steps=30):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, 4, generator=generator)
    y = x @ torch.ones(4, 1) + torch.randn(60, 1, generator=generator)
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 1))
    return TorchTask(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=1.0, momentum=momentum),
                     loss=torch.nn.functional.mse_loss, train=(x, y), heldout=(x, y), batch_size=6, steps=steps,
                     metric="loss", average=average)

def unfaithful(seed, average="none"):
    return faithful(seed, average, 0.9 if average == "ema" else 0.0)

def scales_its_loss(seed, average="none"):
    task = faithful(seed, average)
    if average == "ema":
        task._loss = lambda a, b: 2 * torch.nn.functional.mse_loss(a, b)
    return task

def one_at_a_time(seed, average="none"):
    return faithful(seed, {"none": "none", "ema": "ema(5)"}[average])
"""
SCHEDULES = ["constant(0.05)", "linear(0.05)"]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks") / "mine.py"
    path.write_text(TASKS)
    return path


def told(compared):
    """Everything a run has come to, by its row and its seed."""
    return {
        (row.spec, r.seed): (r.identity, r.digest, r.score, dict(r.metrics), list(r.trace.rows()))
        for row in compared.study.main.rows
        for r in row.results
    }


def test_averages_share_one_training_and_are_bit_for_bit_the_runs_made_apart(tasks, tmp_path):
    asked = {"vary": "average={none,ema,lawa(2, 5)}", "seeds": 2, "fixed_peak": True, "workers": 1}
    shared = lrdecay.compare(f"{tasks}:faithful", SCHEDULES, out=tmp_path / "shared", **asked)
    apart = lrdecay.compare(f"{tasks}:faithful", SCHEDULES, out=tmp_path / "apart", share=False, **asked)

    assert told(shared) == told(apart)
    assert len({r[1] for r in told(shared).values()}) == 12  # a state of its own for each
    assert len({row.values for row in shared.study.main.rows}) == 6
    assert apart.study.steps_trained == shared.study.steps_naive == 2 * 2 * 3 * 30
    assert shared.study.steps_trained == 2 * (30 + 29)  # the schedules share their first update
    alone = lrdecay.compare(
        f"{tasks}:faithful", SCHEDULES, arguments={"average": "ema"}, out=tmp_path / "shared", seeds=2,
        fixed_peak=True, workers=1,
    )  # fmt: skip
    assert alone.study.steps_trained == 0  # the same runs, by identity


def test_each_average_is_tuned_for_itself_and_what_the_peaks_share_is_trained_once(tasks, tmp_path):
    compared = lrdecay.compare(
        f"{tasks}:faithful", ["linear({0.02, 0.08})"], vary="average={none,ema}", seeds=1, pilots=1,
        out=tmp_path / "r", workers=1,
    )  # fmt: skip
    peaks = {written: set(choice.to_json()["tried"]) for written, choice in compared.study.choices.items()}
    tried = set.union(*peaks.values())

    assert set(peaks) == {"linear(0.02) | average=none", "linear(0.02) | average=ema"}
    assert compared.study.steps_trained < compared.study.steps_naive
    assert compared.study.steps_trained % 30 == 0
    pilots = 30 * len(tried)  # one training for each peak, whichever average asked for it
    scored = {row.peak for row in compared.study.main.rows}
    scored |= set() if compared.study.shared is None else {row.peak for row in compared.study.shared.rows}
    assert compared.study.steps_trained == pilots + 30 * len(scored)


def test_only_what_is_seen_to_train_alike_and_differs_in_nothing_but_the_average_shares(tasks):
    with LocalPool(1) as pool:

        def arms(function, vary):
            return arms_of(pool, source_of(f"{tasks}:{function}"), parse_variants(vary), steps=None, epochs=None)

        for function in ("unfaithful", "scales_its_loss", "one_at_a_time"):
            apart = arms(function, "average={none,ema}")
            assert [arm.view for arm in apart] == [None, None]
            assert [arm.source.reference.arguments["average"] for arm in apart] == ["none", "ema"]
        four = arms("faithful", "average={none,ema} momentum={0,0.9}")
    assert [arm.view.average for arm in four] == ["none", "none", "ema", "ema"]
    assert four[0].source == four[2].source != four[1].source == four[3].source
    assert four[0].source.reference.arguments == {"momentum": 0, "average": ["none", "ema"]}
