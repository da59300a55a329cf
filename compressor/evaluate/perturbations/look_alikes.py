"""Letters of other scripts that look the same."""

from __future__ import annotations

from compressor.data.augment.look_alikes import LookAlikes
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation(
    "look-alikes of other scripts for one letter of ten", LookAlikes(kind="look-alikes", share=0.1)
)
