"""Slips of the fingers."""

from __future__ import annotations

from numpy.random import Generator

from compressor.data.augment.typos import Typos
from compressor.data.corpus import Corpus
from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

_SLIPS = Typos(kind="typos", share=0.1)
_NOTHING = Corpus.of((), ())


def _change(text: str, random: Generator) -> str:
    return _SLIPS.change(text, random, _NOTHING)


PERTURBATION = Perturbation("typos in one word of ten", _change)
