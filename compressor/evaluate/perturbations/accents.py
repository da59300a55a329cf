"""Letters with accents that look much the same to a person: what filters are evaded with."""

from __future__ import annotations

import unicodedata

from numpy.random import Generator

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

SHARE = 0.1
_ACUTE = "\N{COMBINING ACUTE ACCENT}"


def _change(text: str, random: Generator) -> str:
    hit = random.random(len(text)) < SHARE
    return unicodedata.normalize(
        "NFC", "".join(c + _ACUTE if h and c in "aeiouAEIOU" else c for c, h in zip(text, hit, strict=True))
    )


PERTURBATION = Perturbation("accents on one vowel of ten", _change)
