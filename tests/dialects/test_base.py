"""The registry: a peer's call means a schedule, or is refused in one line."""

from __future__ import annotations

import pytest

from lrdecay.dialects.base import PEERS, SAYINGS, Call, Run, translate
from lrdecay.dialects.reading import load_all
from lrdecay.errors import InputError
from lrdecay.schedule import step

load_all()


def test_a_call_means_a_schedule():
    call = Call("composer", "StepScheduler", ("30ba",), {"gamma": 0.5})

    assert translate(call, Run(lr=0.1)) == step(0.1, factor=0.5, every=30)


@pytest.mark.parametrize(
    ("call", "run", "words"),
    [
        (Call("composer", "StpScheduler"), Run(lr=0.1), ["known scheduler", "Did you mean `composer.StepScheduler`?"]),
        (Call("composer", "StepScheduler"), Run(lr=0.1), ["missing a required argument: 'step_size'"]),
        (
            Call("composer", "StepScheduler", ("1ba",), {"stepsize": 3}),
            Run(lr=0.1),
            ["(step_size, gamma, ssr)", "'stepsize'"],
        ),
        (Call("composer", "StepScheduler", ("1ba", 0.1, 3)), Run(lr=0.1), ["too many positional arguments"]),
        (Call("composer", "StepScheduler", ("1ba",)), Run(), ["convert(lr=...)", "--lr"]),
        (Call("composer", "StepScheduler", ("0.3dur",)), Run(lr=0.1), ["convert(steps=...)", "--steps"]),
        (Call("composer", "PolynomialScheduler", (2.0, "1dur", "low")), Run(lr=0.1), ["values it can compute with"]),
    ],
    ids=["name", "missing", "unknown", "many", "lr", "steps", "type"],
)
def test_what_cannot_be_translated_is_refused_in_one_line(call, run, words):
    with pytest.raises(InputError) as refused:
        translate(call, run)

    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_every_scheduler_that_is_known_belongs_to_a_peer_under_its_own_name():
    assert {library for library, _ in SAYINGS} <= set(PEERS)
    for (library, name), saying in SAYINGS.items():
        assert (saying.library, saying.name) == (library, name)
