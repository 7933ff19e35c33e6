"""The largest eigenvalue of a loss's Hessian, and how far the answer is from an eigenvalue.

Products H v come from two passes of reverse differentiation, H v = ∇(∇L · v) (Pearlmutter, Fast Exact Multiplication by
the Hessian, 1994); the eigenvalue from the Lanczos iteration of ARPACK (`scipy.sparse.linalg.eigsh`), the algebraically
largest. The residual is |H v - λ v| / |λ| at the unit vector v that was found, by one product more: where it is not
below 1e-3 the answer is called not converged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from attrs import field, frozen
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

__all__ = ["RESIDUAL", "Eigen", "flat", "top_eigenvalue"]

FloatArray = NDArray[np.float64]

RESIDUAL = 1e-3
"""Below it an answer has converged."""


@frozen(eq=False)
class Eigen:
    """An eigenvalue of a Hessian.

    Attributes:
        value: λ; nan where the iteration gave none.
        vector: v, of length 1, shape (parameters,).
        residual: |H v - λ v| / |λ|; inf where there is none.
        products: Hessian-vector products that were made.
    """

    value: float
    vector: FloatArray = field(repr=False)
    residual: float
    products: int

    @property
    def converged(self) -> bool:
        """Whether the residual is below `RESIDUAL`."""
        return self.residual < RESIDUAL


def top_eigenvalue(
    loss: Callable[[], torch.Tensor],
    parameters: Sequence[torch.Tensor],
    *,
    seed: int = 0,
    tolerance: float = 1e-5,
    most: int = 100,
) -> Eigen:
    """The algebraically largest eigenvalue of the Hessian of a loss.

    Args:
        loss: gives the loss at the parameters as they are, always of the same data, drawing nothing.
        parameters: what it is differentiated by, together; at least 2 numbers.
        seed: of the vector that the iteration begins with.
        tolerance: of ARPACK, relative.
        most: restarts of it.
    """
    count, made = sum(p.numel() for p in parameters), 0
    with torch.enable_grad():
        gradient = flat_tensor(torch.autograd.grad(loss(), parameters, create_graph=True))

    def product(v: FloatArray) -> FloatArray:
        nonlocal made
        made += 1
        along = torch.as_tensor(np.ascontiguousarray(v.reshape(-1)), dtype=gradient.dtype)
        second = torch.autograd.grad(gradient @ along, parameters, retain_graph=True, materialize_grads=True)
        return flat(second)

    start = np.random.default_rng(seed).standard_normal(count)
    operator = LinearOperator((count, count), matvec=product, dtype=np.float64)
    try:
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=tolerance, maxiter=most)
    except ArpackNoConvergence:
        return Eigen(math.nan, start / np.linalg.norm(start), math.inf, made)
    value, vector = float(values[0]), np.asarray(vectors[:, 0], dtype=np.float64)
    off = float(np.linalg.norm(product(vector) - value * vector))
    return Eigen(value, vector, off / abs(value) if value else math.inf, made)


def flat(tensors: Sequence[torch.Tensor]) -> FloatArray:
    """Their numbers in one row, float64, shape (numbers,)."""
    return flat_tensor(tensors).detach().double().numpy()


def flat_tensor(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The same as a tensor that gradients flow through."""
    return torch.cat([t.reshape(-1) for t in tensors])
