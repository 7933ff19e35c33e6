"""Growing the batch instead of decaying the rate: the five runs of Smith et al. 2018, and the law behind them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    constant,
    cosine,
    group,
    grow_batch,
    halving,
    multi_step,
    piecewise,
    plan,
    ramp,
    step,
    tabulated,
    warmup,
)

N = 50_000


def cifar(batch_size: int) -> Horizon:
    return Horizon(epochs=200, samples_per_epoch=N, batch_size=batch_size)


def decays(peak: float):
    return multi_step(peak, factor=0.2, at=["60ep", "120ep", "160ep"])


DECAYING = plan(lr=decays(0.1), momentum=0.9)
RUNS = {
    "decaying rate": (DECAYING, 128, 78125),
    "increasing batch": (grow_batch(DECAYING, 5120), 128, 29141),
    "increased initial rate": (grow_batch(plan(lr=decays(0.5), momentum=0.9), 5120), 640, 6406),
    "increased momentum": (grow_batch(plan(lr=decays(0.5), momentum=0.98), 5120), 3200, 2305),
    "hybrid": (grow_batch(DECAYING, 640), 128, 34375),
}


@pytest.mark.parametrize("run", RUNS)
def test_the_runs_of_the_paper_have_exactly_their_updates(run):
    made, batch, steps = RUNS[run]
    assert made.bind(cifar(batch)).steps == steps


@pytest.mark.parametrize("run", RUNS)
def test_the_noise_scale_of_every_phase_is_that_of_the_decaying_run(run):
    made, batch, _ = RUNS[run]
    bound = made.bind(cifar(batch))
    sizes = bound.values("batch_size") if "batch_size" in bound.names else np.full(bound.steps, batch)
    noise = bound.values("lr") * (N / sizes) / (1 - bound.values("momentum"))
    epochs = np.array([bound.horizon.epoch_of(t) for t in range(bound.steps)])

    for k, (start, end) in enumerate([(0, 60), (60, 120), (120, 160), (160, 200)]):
        phase = noise[(epochs > start + 0.1) & (epochs < end - 0.1)]
        np.testing.assert_allclose(phase, 0.1 * 0.2**k * (N / 128) / 0.1, rtol=1e-9)


def test_the_rate_stays_while_the_batch_grows_and_falls_only_by_what_the_largest_batch_leaves():
    bound = grow_batch(DECAYING, 5120).bind(cifar(128))
    rate, batch = bound.values("lr"), bound.values("batch_size")

    changes = np.flatnonzero(np.diff(batch)) + 1
    assert batch[[0, *changes]].tolist() == [128, 640, 3200, 5120]
    assert rate[0] == rate[changes[1]] == 0.1
    assert rate[-1] == pytest.approx(0.1 / 3.125, rel=1e-12)
    assert changes.tolist() == [23438, 28125, 28750]


def test_without_a_limit_in_reach_the_rate_never_falls():
    bound = grow_batch(DECAYING, 10**6).bind(cifar(128))
    assert (bound.values("lr") == 0.1).all()
    assert bound.values("batch_size")[-1] == 128 * 125


@pytest.mark.parametrize(
    "schedule",
    [
        step(0.1, factor=0.7, every="1ep"),
        step(0.1, factor=0.5, every=37),
        warmup("1ep") + step(0.1, factor=0.7, every="1.3ep"),
        piecewise([0.1, 0.05, 0.05, 0.03], at=["10%", 50, "90%"]),
        halving(0.1),
        constant(0.1, over="30%") + constant(0.01, over="30%") + constant(0.001),
        0.5 * multi_step(0.1, factor=0.3, at=["2ep", "4ep"]),
        tabulated([0.1] * 100 + [0.03] * 50 + [0.02]),
        constant(0.1),
    ],
)
def test_at_every_sample_the_noise_is_what_it_was_to_the_rounding_of_the_batch(schedule):
    h = Horizon(epochs=7, samples_per_epoch=1003, batch_size=16)
    before = plan(lr=schedule).bind(h)
    after = grow_batch(plan(lr=schedule), 100).bind(h)
    batch = after.values("batch_size")
    assert batch.max() <= 100

    assert after.horizon.exact_steps <= h.exact_steps
    clock = after.horizon.clock
    seen = [16 * t if clock is None else clock.samples(Fraction(t)) for t in range(after.steps)]
    was = before.values("lr")[[min(int(s // 16), before.steps - 1) for s in seen]]
    ratio = (after.values("lr") / batch) / (was / 16)
    near = np.abs(ratio - 1) <= 0.5 / batch + 1e-9  # what rounding to whole samples can do
    boundaries = np.count_nonzero(np.diff(before.values("lr")))
    assert (~near).sum() <= boundaries  # one update lies across each


def test_groups_with_a_rate_of_their_own_keep_their_noise_too():
    made = plan(lr=decays(0.1), groups={"head": group(lr=0.01), "stem": group(scale=0.5)})
    bound = grow_batch(made, 640).bind(cifar(128))

    assert bound.values("lr", "head")[0] == 0.01
    assert bound.values("lr", "head")[-1] == pytest.approx(0.05)
    np.testing.assert_array_equal(bound.values("lr", "stem"), 0.5 * bound.values("lr"))


def test_a_smooth_decay_is_refused_unless_it_is_told_how_often_to_grow():
    with pytest.raises(InputError, match=r'grow_batch\(..., every="1ep"\)'):
        grow_batch(plan(lr=cosine(0.1)), 1024).bind(cifar(128))

    bound = grow_batch(plan(lr=cosine(0.1)), 1024, every="20ep").bind(cifar(128))
    assert len(np.unique(bound.values("batch_size"))) > 5
    noise = bound.values("lr") / bound.values("batch_size")
    starts = [round(t) for t in np.linspace(0, bound.steps - 1, 400)]
    for t in starts:
        tick = int(bound.horizon.epoch_of(t) // 20 * 20)
        if bound.horizon.epoch_of(t) - tick > 0.1:
            assert noise[t] == pytest.approx(0.05 * (1 + np.cos(np.pi * tick / 200)) / 128, rel=0.01)


def test_a_warmup_stays_a_warmup_of_the_rate():
    smooth = grow_batch(plan(lr=warmup(500) + cosine(0.1)), 1024, every="20ep").bind(cifar(128))
    steps = grow_batch(plan(lr=warmup(500) + decays(0.1)), 1024).bind(cifar(128))
    for bound in (smooth, steps):
        np.testing.assert_array_equal(
            bound.values("lr")[:501], (warmup(500) + cosine(0.1)).bind(cifar(128)).values()[:501]
        )
        assert (bound.values("batch_size")[:501] == 128).all()


def test_a_run_said_in_updates_sees_as_many_samples_in_fewer():
    h = Horizon(steps=1000, batch_size=10)
    bound = grow_batch(plan(lr=multi_step(0.1, factor=0.5, at=[500, 750])), 100).bind(h)

    assert bound.values("batch_size").sum() == pytest.approx(10_000, abs=40)
    assert bound.steps == 500 + 125 + 63


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: grow_batch(DECAYING, 64).bind(cifar(128)), "at least the first batch size, 128"),
        (lambda: grow_batch(DECAYING, 1.5), "positive integer"),
        (lambda: grow_batch("cosine(0.1)", 64), "must be a plan"),
        (lambda: grow_batch(grow_batch(DECAYING, 640), 640), "does not change yet"),
        (lambda: grow_batch(plan(lr=piecewise([0.1, 0.2], at=[5])), 640).bind(cifar(128)), "only fall"),
        (lambda: grow_batch(plan(lr=ramp(0.1, 0.2)), 640, every="1ep").bind(cifar(128)), None),
        (lambda: grow_batch(plan(lr=cosine(0.1)), 640, every=1).bind(cifar(128)), "at most 1000 parts"),
        (lambda: grow_batch(DECAYING, 640).bind(Horizon(steps=200, steps_per_epoch=1)), "one batch_size to grow from"),
    ],
)
def test_what_cannot_grow_is_refused(make, message):
    if message is None:  # all warmup: nothing decays
        assert (make().values("batch_size") == 128).all()
        return
    with pytest.raises(InputError, match=message):
        make()
