"""The published laws of an adapter, run on ours: each kind of schedule, three groups, four load orders, each update."""

from __future__ import annotations

from typing import Any

import pytest
from tests.adapters.torch.driven import BANK, HORIZON, RATES, Run

from lrdecay.adapters.torch import attach
from lrdecay.schedule import Horizon, Schedule, constant, parse
from lrdecay.testing import LawError, check_adapter

ORDERS = [
    "attach, load optimizer, load scheduler",
    "attach, load scheduler, load optimizer",
    "load optimizer, attach, load scheduler",
    "load scheduler state by step alone",
]


class DrivenRun:
    """A small run under a schedule, as the laws want to see it."""

    def __init__(self, schedule: Schedule, horizon: Horizon, *, attached: bool = True) -> None:
        self.run, self.schedule, self.horizon, self.t = Run(), schedule, horizon, 0
        if attached:
            self.attach()

    def attach(self, **options: Any) -> None:
        self.scheduler = attach(self.run.optimizer, self.schedule, self.horizon, **options)

    def rates(self) -> list[float]:
        return self.run.rates()

    def update(self) -> None:
        self.run.train(self.scheduler, self.t, self.t + 1)
        self.t += 1

    def again(self) -> None:
        self.scheduler.step()
        self.scheduler.step()

    def save(self) -> Any:
        return self.run.saved(self.scheduler)


def load(schedule: Schedule, horizon: Horizon, checkpoint: Any, order: str) -> DrivenRun:
    again = DrivenRun(schedule, horizon, attached=not order.startswith("load"))
    optimizer = again.run.optimizer
    if order.startswith("attach, load optimizer"):
        optimizer.load_state_dict(checkpoint["optimizer"])
        again.scheduler.load_state_dict(checkpoint["scheduler"])
    elif order.startswith("attach, load scheduler"):
        again.scheduler.load_state_dict(checkpoint["scheduler"])
        optimizer.load_state_dict(checkpoint["optimizer"])
    elif order.startswith("load optimizer"):
        optimizer.load_state_dict(checkpoint["optimizer"])
        again.attach()
        again.scheduler.load_state_dict(checkpoint["scheduler"])
    else:
        again.attach(step=0)
        again.scheduler.load_state_dict(checkpoint["scheduler"])
    again.t = checkpoint["scheduler"]["step"]
    return again


@pytest.mark.parametrize("text", BANK)
def test_attach_obeys_every_law_of_an_adapter(text: str) -> None:
    check_adapter(DrivenRun, load, ORDERS, parse(text), HORIZON, multipliers=RATES)


class Forgetful(DrivenRun):
    """An adapter that counts calls instead of updates."""

    def again(self) -> None:
        self.scheduler.seek(self.scheduler.count + 1)


def starts_over(schedule: Schedule, horizon: Horizon, _checkpoint: Any, _order: str) -> DrivenRun:
    return DrivenRun(schedule, horizon)


def test_an_adapter_that_counts_calls_breaks_the_law_of_idleness() -> None:
    with pytest.raises(LawError, match=r"^idle: .* before update 0"):
        check_adapter(Forgetful, load, ORDERS, parse("linear(0.1)"), HORIZON, multipliers=RATES)


def test_an_adapter_that_starts_over_breaks_the_law_of_resuming() -> None:
    with pytest.raises(LawError, match=r"^resume \(one, from 1\): .* before update 1"):
        check_adapter(DrivenRun, starts_over, ["one"], parse("linear(0.1)"), HORIZON, multipliers=RATES)


def test_an_adapter_that_stretches_a_checkpoint_breaks_the_law_of_explicitness() -> None:
    with pytest.raises(LawError, match=r"^explicit: "):
        check_adapter(DrivenRun, starts_over, ["one"], constant(0.1), HORIZON, multipliers=RATES)


def test_an_adapter_with_other_rates_breaks_the_law_of_showing() -> None:
    with pytest.raises(LawError, match=r"^shows: .* before update 0"):
        check_adapter(DrivenRun, load, ORDERS, parse("linear(0.1)"), HORIZON, multipliers=(1.0, 0.2, 0.0))
