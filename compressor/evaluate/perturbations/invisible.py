"""Characters without width inside of words."""

from __future__ import annotations

from compressor.data.augment.invisible import Invisible
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation(
    "invisible characters behind one letter of twenty", Invisible(kind="invisible", share=0.05)
)
