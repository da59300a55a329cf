"""What every method reads and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from compressor.data.words import Words

__all__ = ["FloatArray", "Gradients", "Method", "Score", "Stretch", "only"]

FloatArray = npt.NDArray[np.floating[Any]]
Score = Callable[[list[str]], FloatArray]
"""Texts -> what is explained of each answer [texts], such as the probability of a label."""
Stretch = tuple[int, int]
"""First character of a text and the one after the last; (0, 0) for a token that stands in no place of it."""


class Gradients(Protocol):
    """A score that can be differentiated by the embeddings of the text's tokens."""

    def tokens(self, text: str) -> tuple[FloatArray, list[Stretch]]:
        """Embeddings [tokens, width], and where in the text each token stands."""

    def at(self, text: str, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The score [points] where the tokens have these embeddings [points, tokens, width], and its gradients by
        them [points, tokens, width]."""


def only(words: Words, kept: Collection[int]) -> str:
    """The text with the words at these places alone."""
    found = words
    for place in reversed(range(len(words))):
        if place not in kept:
            found = found.without(place, place + 1)
    return found.text


class Method(ABC):
    """Shares out the score of a text among its words. A file of this folder names one as `METHOD`."""

    calls: ClassVar[int] = 500
    """How often the model is asked, unless another number is given."""

    @abstractmethod
    def weights(
        self, words: Words, score: Score, *, calls: int, seed: int, gradients: Gradients | None = None
    ) -> FloatArray:
        """The weight of each word [words]: above 0 where it speaks for what is scored.

        Args:
            calls: texts that may be asked, about.
            seed: random seed of what is drawn.
            gradients: of the same score, where the model is in PyTorch.

        Raises:
            MissingExtra: the library isn't installed. RecipeError: the model isn't one for this method.
        """
