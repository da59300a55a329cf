"""What a change of a text is, as a model is tried on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from compressor.data.augment.base import AugmentationConfig
from compressor.data.corpus import Corpus

__all__ = ["Perturbation", "by_augmentation"]

_NOTHING = Corpus.of((), ())


@dataclass(frozen=True)
class Perturbation:
    """A change after which a person answers the same."""

    title: str
    """As reports call it: `typos in one word of ten`."""
    change: Callable[[str, Generator], str]
    """A text and the only source of chance -> the changed text; one that can't be changed may come back as it is."""


def by_augmentation(title: str, augmentation: AugmentationConfig) -> Perturbation:
    """The change that `data.augment` makes to training texts, of an augmentation that needs no other texts."""
    return Perturbation(title, lambda text, random: augmentation.change(text, random, _NOTHING))
