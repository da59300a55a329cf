"""Words that changed places, as those write who learn a language or type in haste."""

from __future__ import annotations

from compressor.data.augment.swap_words import SwapWords
from compressor.evaluate.perturbations.base import by_augmentation

__all__ = ["PERTURBATION"]

PERTURBATION = by_augmentation("neighbours exchanged for one word of ten", SwapWords(kind="swap-words", share=0.1))
