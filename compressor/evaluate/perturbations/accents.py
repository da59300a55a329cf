"""Letters with accents that look much the same to a person: what filters are evaded with."""

from __future__ import annotations

from compressor.data.augment.accents import Accents
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation("accents on one vowel of ten", Accents(kind="accents", share=0.1))
