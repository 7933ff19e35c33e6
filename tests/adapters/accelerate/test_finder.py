"""A range test of what an Accelerator has prepared: it is used as it is, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration
from torch.nn.functional import cross_entropy

import lrdecay

X = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)


@pytest.fixture(autouse=True)
def _own_state() -> Iterator[None]:
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


class Prepared:
    """A model with dropout, its optimizer and a shuffled loader, prepared; and the usual loop."""

    def __init__(self, seedable: bool = False, **more: Any) -> None:
        torch.manual_seed(0)
        if seedable:
            more["dataloader_config"] = DataLoaderConfiguration(use_seedable_sampler=True)
        self.accelerator = Accelerator(cpu=True, **more)
        net = torch.nn.Sequential(
            torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(12, 3)
        )
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        data = torch.utils.data.TensorDataset(X, Y)
        loader = torch.utils.data.DataLoader(data, 8, shuffle=True)  # type: ignore[var-annotated]
        self.model, self.optimizer, self.loader = self.accelerator.prepare(net, optimizer, loader)

    def train(self) -> None:
        for x, y in self.loader:
            with self.accelerator.accumulate(self.model):
                self.accelerator.backward(cross_entropy(self.model(x), y))
                self.optimizer.step()
                self.optimizer.zero_grad()

    def find(self, **more: Any) -> Any:
        shape = {"repeats": 2, "points": 12, "low": 1e-3, "high": 100.0} | more
        return lrdecay.find(self.model, self.optimizer, **({"loss": cross_entropy, "loader": self.loader} | shape))

    def left(self) -> Any:
        state = self.accelerator.gradient_state
        return (
            [p.detach().numpy().tobytes() for p in self.model.parameters()],
            repr(self.optimizer.state_dict()),
            (self.loader.iteration, self.accelerator.step, state.sync_gradients, state.in_dataloader),
            torch.get_rng_state().tolist(),
        )


@pytest.mark.parametrize(
    "more", [{}, {"seedable": True}, {"gradient_accumulation_steps": 2}, {"mixed_precision": "bf16"}]
)
def test_to_find_and_then_to_train_is_bit_for_bit_to_train(more: dict[str, Any]) -> None:
    left = []
    for look in (False, True):
        made = Prepared(**more)
        assert isinstance(made.optimizer, AcceleratedOptimizer)
        made.train()
        if look:
            before = made.left()
            found = made.find(accumulate=more.get("gradient_accumulation_steps", 1))
            assert found.restored
            assert made.left() == before
            assert found.curves[0].losses[0] != found.curves[1].losses[0]  # each its own data order
        made.train()
        left.append(made.left())
    assert left[0] == left[1]


def test_an_exception_at_a_step_leaves_everything_as_it_was() -> None:
    made = Prepared(seedable=True)
    made.train()
    before, calls = made.left(), 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 15:
            msg = "on purpose"
            raise ValueError(msg)
        return cross_entropy(output, target)

    with pytest.raises(ValueError, match="on purpose"):
        made.find(loss=loss)
    assert made.left() == before
