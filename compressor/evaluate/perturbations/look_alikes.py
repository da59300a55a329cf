"""Letters of other scripts that look the same."""

from __future__ import annotations

from numpy.random import Generator

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["ALIKE", "PERTURBATION"]

SHARE = 0.1
ALIKE = dict(zip("aceopxyABEHKMOPCTX", "асеорхуАВЕНКМОРСТХ", strict=True))  # noqa: RUF001  # Cyrillic, as meant
"""Latin -> Cyrillic. Source: the confusables of Unicode Technical Standard 39."""


def _change(text: str, random: Generator) -> str:
    hit = random.random(len(text)) < SHARE
    return "".join(ALIKE.get(c, c) if h else c for c, h in zip(text, hit, strict=True))


PERTURBATION = Perturbation("look-alikes of other scripts for one letter of ten", _change)
