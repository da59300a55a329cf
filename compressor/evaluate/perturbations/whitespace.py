"""Spaces, tabs and line breaks where one space was."""

from __future__ import annotations

from compressor.data.augment.whitespace import Whitespace
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation("other white space", Whitespace(kind="whitespace", share=1))
