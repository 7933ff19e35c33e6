"""torch's and timm's own numbers, class by class: 50 random parameter sets, 300 updates each.

A difference is measured relative to the peer's rate, or, where that is below it, to a thousandth of the run's highest
rate: both sides add terms of the size of the highest rate, each rounded to 1.1e-16 of it, so that no more than this can
be asked of a rate near 0 (a thousandth of 1e-12 is some ten roundings). No class is left out; those that are allowed
more than 1e-12 stand in `ALLOWED`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.dialects import peers_timm, peers_torch

import lrdecay.dialects.timm
import lrdecay.dialects.torch  # noqa: F401
from lrdecay.dialects.base import SAYINGS, Call, Run, translate
from lrdecay.dialects.torch_recursions import rates
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon

SETS, STEPS = 50, 300
LIMIT = 1e-12
ALLOWED = {
    # Going up again, torch adds (lr - eta_min)(1 - cos(π/T_max))/2 once and divides by 1 + cos(π(T_max + 1)/T_max) ever
    # after: two small numbers that are equal on paper and differ by their rounding. Its closed form has 1e-12 (below).
    "CosineAnnealingLR": 1e-11,
    "SequentialLR": 1e-11,  # where a part is one
}
RULES = {"ReduceLROnPlateau", "PlateauLRScheduler"}  # refused: they look at the loss

Peer = Callable[[Call, float, int], np.ndarray]


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The worst relative difference, as the module says."""
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3 * np.max(np.abs(theirs)))))


def worst(draw: Callable[[np.random.Generator], Call], peer: Peer) -> float:
    """The worst of so many random parameter sets."""
    rng = np.random.default_rng(20260110)
    found = 0.0
    for _ in range(SETS):
        lr = float(rng.uniform(0.01, 1.0))
        call = draw(rng)
        theirs = peer(call, lr, STEPS)
        schedule = translate(call, Run(lr=lr, length=STEPS))
        found = max(found, distance(schedule.bind(Horizon(steps=STEPS)).values(), theirs))
    return found


@pytest.mark.parametrize("name", peers_torch.RANDOM)
def test_torchs_numbers_are_kept(name: str) -> None:
    assert worst(peers_torch.RANDOM[name], peers_torch.rates_of) <= ALLOWED.get(name, LIMIT)


@pytest.mark.parametrize("name", peers_timm.RANDOM)
def test_timms_numbers_are_kept(name: str) -> None:
    assert worst(peers_timm.RANDOM[name], peers_timm.rates_of) <= LIMIT


def test_every_scheduler_of_torch_and_timm_is_compared() -> None:
    known = {name for library, name in SAYINGS if library in ("torch", "timm")}
    assert known == {*peers_torch.RANDOM, *peers_timm.RANDOM, *RULES}
    assert set(peers_torch.published()) == {*peers_torch.RANDOM, "ReduceLROnPlateau"}
    assert set(peers_timm.published()) == {*peers_timm.RANDOM, "PlateauLRScheduler"}


def test_past_T_max_torchs_closed_form_has_our_numbers_where_its_recursion_has_drifted() -> None:  # noqa: N802
    rng = np.random.default_rng(7)
    for _ in range(SETS):
        lr, call = float(rng.uniform(0.01, 1.0)), peers_torch.RANDOM["CosineAnnealingLR"](rng)
        ours = translate(call, Run(lr=lr, length=STEPS)).bind(Horizon(steps=STEPS)).values()
        assert distance(ours, peers_torch.closed_form_of(call, lr, STEPS)) <= LIMIT


@pytest.mark.parametrize("name", peers_torch.RANDOM)
def test_torchs_recursions_are_reproduced_to_the_bit(name: str) -> None:
    """What is tabulated as it is, and what sequences and chains are held against."""
    rng = np.random.default_rng(3)
    for _ in range(SETS):
        lr, call = float(rng.uniform(0.01, 1.0)), peers_torch.RANDOM[name](rng)
        assert rates(call, lr, 120) == peers_torch.rates_of(call, lr, 120).tolist()


def test_chains_of_anything_are_reproduced_to_the_bit_and_refused_where_a_part_erases_another() -> None:
    rng = np.random.default_rng(11)
    refused = 0
    for _ in range(SETS):
        lr = float(rng.uniform(0.01, 1.0))
        call = peers_torch.torch_call("ChainedScheduler", peers_torch.any_parts(rng, 3))
        theirs = peers_torch.rates_of(call, lr, 120)
        assert rates(call, lr, 120) == theirs.tolist()
        if theirs.min() < 0:
            continue
        try:
            schedule = translate(call, Run(lr=lr, length=120))
        except InputError:
            refused += 1
            schedule = translate(call, Run(lr=lr, length=120, as_is=True))
        assert distance(schedule.bind(Horizon(steps=120)).values(), theirs) <= 1e-11
    assert 10 < refused < SETS
