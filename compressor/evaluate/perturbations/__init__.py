"""Ways to write a text that change nothing in what it says to a person, one a file."""

from __future__ import annotations

from compressor.evaluate.perturbations.base import Perturbation
from compressor.registry import Registry

__all__ = ["PERTURBATIONS", "Perturbation"]

PERTURBATIONS: Registry[Perturbation] = Registry(
    "compressor.evaluate.perturbations", "compressor.perturbations", lambda module: module.PERTURBATION
)
