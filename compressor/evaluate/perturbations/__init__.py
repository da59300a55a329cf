"""Ways to write a text after which a person answers the same, one a file."""

from __future__ import annotations

from compressor.evaluate.perturbations.base import Perturbation
from compressor.registry import Registry

__all__ = ["PERTURBATIONS", "Perturbation"]

PERTURBATIONS: Registry[Perturbation] = Registry(
    "compressor.evaluate.perturbations", "compressor.perturbations", lambda module: module.PERTURBATION
)
