"""Careless writing without punctuation marks."""

from __future__ import annotations

from numpy.random import Generator

from compressor.data.words import Words
from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]


def _change(text: str, random: Generator) -> str:
    # Marks inside of words (don't, 3.5) belong to them.
    return " ".join(Words.of(text).words) or text


PERTURBATION = Perturbation("no punctuation between words", _change)
