"""`fashion` takes a fixed part of the real data and learns it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.tasks.fashion import _read, _tensors, fashion
from lrdecay.tasks.fashion_files import DEBIAN, SHA256, cache_directory, locate

HERE = [d for d in (DEBIAN, cache_directory()) if all((d / name).is_file() for name in SHA256)]
needs_data = pytest.mark.skipif(not HERE, reason="Fashion-MNIST is not here: install dataset-fashion-mnist")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@needs_data
def test_the_part_is_fixed_normalised_and_of_every_class() -> None:
    files = _read(locate(None))
    (x, y), (held, held_y) = _tensors(*files, images=3000, heldout=500)
    assert (x.shape, y.shape, held.shape, held_y.shape) == ((3000, 1, 28, 28), (3000,), (500, 1, 28, 28), (500,))
    assert abs(float(x.mean())) < 1e-4
    assert abs(float(x.std()) - 1) < 1e-3
    assert torch.bincount(y).min() > 200
    (fewer, fewer_y), _ = _tensors(*files, images=1000, heldout=500)
    assert torch.equal(fewer_y, y[:1000])  # a smaller part is the beginning of a larger one, normalised by itself
    again = (x[:1000] - x[:1000].mean()) / x[:1000].std(correction=0)
    torch.testing.assert_close(fewer, again, atol=1e-4, rtol=0)


@needs_data
def test_the_horizon_is_that_of_the_chosen_images() -> None:
    horizon = fashion(0, images=1280).horizon
    assert (horizon.samples_per_epoch, horizon.batch_size, horizon.steps) == (1280, 128, 60)


@needs_data
def test_a_directory_of_the_users_own_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHA256:
        (tmp_path / name).symlink_to(HERE[0] / name)
    given = fashion(0, data=str(tmp_path), images=200, heldout=20)
    assert given.digest() == fashion(0, images=200, heldout=20).digest()
    monkeypatch.setenv("LRDECAY_DATA", str(tmp_path))
    assert fashion(0, images=200, heldout=20).evaluate() == given.evaluate()


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    for name in SHA256:
        (tmp_path / name).write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x02ab"))
    with pytest.raises(InputError, match="must hold 60,000 and 10,000 images of 28x28") as caught:
        fashion(0, data=str(tmp_path))
    assert "\n" not in str(caught.value)


@needs_data
def test_a_short_run_learns() -> None:
    task = fashion(0, images=2000, heldout=1000, epochs=3)
    steps = task.horizon.steps
    task.advance({"lr": 0.05 * (1 - np.arange(steps) / steps)})
    assert task.evaluate()["accuracy"] > 0.70


@needs_data
@pytest.mark.soak
def test_a_run_with_the_defaults_learns_as_well_as_it_should() -> None:
    task = fashion(0)
    steps = task.horizon.steps
    task.advance({"lr": 0.05 * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2})
    assert task.evaluate()["accuracy"] > 0.85
