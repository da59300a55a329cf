"""Slips of the fingers."""

from __future__ import annotations

from compressor.data.augment.typos import Typos
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation("typos in one word of ten", Typos(kind="typos", share=0.1))
