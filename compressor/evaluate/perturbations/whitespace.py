"""Spaces, tabs and line breaks where one space was."""

from __future__ import annotations

import re

from numpy.random import Generator

from compressor.evaluate.perturbations.base import Perturbation

__all__ = ["PERTURBATION"]

_KINDS = ("  ", "\t", "\n", " \N{NO-BREAK SPACE}")


def _change(text: str, random: Generator) -> str:
    return re.sub(r"\s+", lambda _: _KINDS[int(random.integers(len(_KINDS)))], text)


PERTURBATION = Perturbation("other white space", _change)
