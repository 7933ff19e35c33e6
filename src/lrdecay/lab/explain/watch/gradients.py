"""Gradients of single batches at fixed weights, in groups, for the noise scale; everything is put back."""

from __future__ import annotations

import numpy as np
import torch

from lrdecay.lab.explain.watch.subject import Subject
from lrdecay.lab.instruments.noise_scale import NoiseScale, noise_scale
from lrdecay.runs.seeding import kept_random_state, seed_everything

__all__ = ["BATCHES", "GROUPS", "noise_at_present"]

GROUPS, BATCHES = 16, 64
"""Groups, and batches in all of them."""


def noise_at_present(subject: Subject, seed: int) -> NoiseScale | None:
    """The noise scale of the weights as they are, in samples; None where a gradient is not finite.

    Batches have the task's own size and are drawn with replacement from the training set, in training mode: dropout is
    part of the noise, and with batch norm the gradient is that of batches of this size. Weight decay is not in it.

    Args:
        subject: whose task stays as it was, its random state too.
        seed: of the batches.
    """
    task, parts = subject.task, subject.task.parts
    (x, y), size = parts["train"], parts["batch_size"]
    here = task.snapshot()
    rng = np.random.default_rng([seed, task.step])
    squares, means = np.zeros(GROUPS), []
    with kept_random_state():
        seed_everything(int(rng.integers(2**31)))
        for j in range(GROUPS):
            total = [torch.zeros_like(p, dtype=torch.float64) for p in subject.parameters]
            for _ in range(BATCHES // GROUPS):
                index = torch.from_numpy(rng.integers(0, len(x), size=size))
                loss = parts["loss"](parts["model"](x[index]), y[index])
                gradient = torch.autograd.grad(loss, subject.parameters, materialize_grads=True)
                squares[j] += float(sum(g.double().square().sum() for g in gradient)) * GROUPS / BATCHES
                for own, g in zip(total, gradient, strict=True):
                    own += g.double() * (GROUPS / BATCHES)
            means.append(torch.cat([own.reshape(-1) for own in total]))
    task.restore(here)
    stacked = torch.stack(means)
    products = (stacked @ stacked.T).cpu().numpy()
    return noise_scale(squares, products, size) if np.isfinite([products.sum(), squares.sum()]).all() else None
