"""The largest eigenvalue of a loss's Hessian: `lrdecay.adapters.torch.curvature`, where scripts reach it too."""

from lrdecay.adapters.torch.curvature import RESIDUAL, Eigen, flat, top_eigenvalue

__all__ = ["RESIDUAL", "Eigen", "flat", "top_eigenvalue"]
