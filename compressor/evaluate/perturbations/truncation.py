"""Texts that a form, a message or a copy cut off before their end."""

from __future__ import annotations

from numpy.random import Generator

from compressor.data.words import Words
from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

SHARE = 0.1


def _change(text: str, random: Generator) -> str:
    words = Words.of(text)
    kept = len(words) - max(1, round(SHARE * len(words)))
    return words.gaps[0] + words.between(0, kept) if kept > 0 else text


PERTURBATION = Perturbation("the last tenth of the words cut off", _change)
