"""Few directions that hold most of what hidden states are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["energy_kept", "principal_basis"]


def principal_basis(moment: torch.Tensor, size: int) -> torch.Tensor:
    """An orthonormal basis P [width, size] of the principal directions of states x, for a layer normalization to go on
    in it: `P^T (x - mean(x)) = P^T x - mean(P^T x)`.

    That holds when the vector of ones is one of the directions and becomes the vector of ones again. So the basis is
    the ones and the first `size - 1` principal directions orthogonal to them, turned by the reflection that takes the
    first axis to the ones.

    Args:
        moment: second moments `E[x x^T]` [width, width].

    Source: the idea of rotating hidden states to their principal components is SliceGPT's (Ashkboos et al. 2024, arXiv
    2401.15024).
    """
    import torch

    width = len(moment)
    ones = torch.full((width,), width**-0.5, dtype=torch.float64)
    centring = torch.eye(width, dtype=torch.float64) - torch.outer(ones, ones)
    directions = torch.linalg.eigh(centring @ moment.double() @ centring).eigenvectors  # in ascending order
    basis = torch.column_stack([ones, directions.flip(1)[:, : size - 1]])
    axis = torch.zeros(size, dtype=torch.float64)
    axis[0] = 1
    mirror = axis - torch.full((size,), size**-0.5, dtype=torch.float64)
    reflection = torch.eye(size, dtype=torch.float64)
    if mirror.norm() > 0:
        reflection -= 2 * torch.outer(mirror, mirror) / mirror.square().sum()
    return (basis @ reflection).float()


def energy_kept(moment: torch.Tensor, basis: torch.Tensor) -> float:
    """Share of the variance that the directions of `basis` hold, the mean over the width aside; 0 to 1."""
    import torch

    width = len(moment)
    centring = torch.eye(width) - 1 / width
    centred = centring @ moment.float() @ centring
    return float((basis.T @ centred @ basis).trace() / centred.trace())
