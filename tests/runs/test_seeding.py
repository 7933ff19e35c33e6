"""The random state of the process is set, taken and put back, exactly."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lrdecay.errors import RunError
from lrdecay.runs.seeding import RandomState, kept_random_state, random_state, seed_everything, set_random_state


def draw() -> tuple[object, ...]:
    """Something from every generator, gaussians included, since those are made in pairs and one is kept."""
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),  # noqa: NPY002
        np.random.standard_normal(),  # noqa: NPY002
        torch.rand(3).tolist(),
        torch.randn(1).item(),
    )


def test_the_same_seed_draws_the_same_and_another_differs_in_every_generator() -> None:
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert not set(map(str, draw())) & set(map(str, first))


def test_a_seed_above_32_bits_is_taken() -> None:
    seed_everything(2**63 - 1)
    first = draw()
    seed_everything(2**63 - 1)
    assert draw() == first


def test_a_state_put_back_goes_on_as_before_even_between_the_two_of_a_gaussian_pair() -> None:
    seed_everything(0)
    draw()  # leaves one gaussian in store
    state = random_state()
    first = draw()
    draw()
    set_random_state(state)
    assert draw() == first


def test_a_saved_state_is_the_same_state(tmp_path: Path) -> None:
    seed_everything(5)
    draw()
    random_state().save(tmp_path / "random.npz")
    first = draw()
    set_random_state(RandomState.load(tmp_path / "random.npz"))
    assert draw() == first
    assert [p.name for p in tmp_path.iterdir()] == ["random.npz"]


def test_what_is_drawn_inside_leaves_no_trace_not_even_after_an_exception() -> None:
    seed_everything(6)
    first = draw()
    seed_everything(6)

    def fail() -> None:
        with kept_random_state():
            seed_everything(99)
            draw()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert draw() == first


@pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "an array", "another archive"])
def test_a_file_that_is_not_a_state_is_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "random.npz"
    random_state().save(path)
    whole = path.read_bytes()
    if damage == "an array":
        with path.open("wb") as f:
            np.save(f, np.arange(3))
    elif damage == "another archive":
        with path.open("wb") as f:
            np.savez(f, x=np.arange(3))
    else:
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "garbage": b"garbage"}[damage])
    with pytest.raises(RunError, match="must hold a random state") as caught:
        RandomState.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_torch_is_left_alone_where_nobody_imported_it() -> None:
    code = (
        "import sys; from lrdecay.runs.seeding import *;"
        "seed_everything(0); s = random_state(); set_random_state(s);"
        "assert 'torch' not in sys.modules and 'torch' not in s.tensors"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here: its random state was not tested")
def test_a_cuda_device_in_use_goes_on_as_before_too() -> None:
    torch.rand(1, device="cuda")
    state = random_state()
    first = torch.rand(3, device="cuda").tolist()
    torch.rand(5, device="cuda")
    set_random_state(state)

    assert torch.rand(3, device="cuda").tolist() == first
