"""Characters without width inside of words."""

from __future__ import annotations

from numpy.random import Generator

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

SHARE = 0.05
_INVISIBLE = "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{SOFT HYPHEN}"


def _change(text: str, random: Generator) -> str:
    hit = random.random(len(text)) < SHARE
    return "".join(
        c + _INVISIBLE[int(random.integers(len(_INVISIBLE)))] if h and c.isalpha() else c
        for c, h in zip(text, hit, strict=True)
    )


PERTURBATION = Perturbation("invisible characters behind one letter of twenty", _change)
