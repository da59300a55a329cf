"""What a change of a text is, as a model is tried on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

__all__ = ["Perturbation"]


@dataclass(frozen=True)
class Perturbation:
    """A change after which a person reads the same."""

    title: str
    """As reports call it: `typos in one word of ten`."""
    change: Callable[[str, Generator], str]
    """A text and the only source of chance -> the changed text; one that can't be changed may come back as it is."""
