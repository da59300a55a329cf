"""The base of every augmentation's config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from numpy.random import Generator
from pydantic import Field

from compressor.data.corpus import Corpus
from compressor.recipe.augment import AugmentationSection

__all__ = ["AugmentationConfig", "Change", "Share", "draw_places"]

Change = Callable[[Sequence[str], Sequence[Generator], Corpus], list[str]]
"""Texts, what each of them draws chance from, and the training texts of their role -> the changed texts."""

Share = Annotated[float, Field(ge=0, le=1)]


def draw_places(random: Generator, count: int, share: float) -> list[int]:
    """Places of `count` words, each drawn with the chance `share`; one of them where that draws none."""
    places: list[int] = (random.random(count) < share).nonzero()[0].tolist()
    return places if places or not count or not share else [int(random.integers(count))]


class AugmentationConfig(AugmentationSection):
    """One way to change a text: its options in a recipe, and how it is done.

    A subclass declares `kind: Literal["its-name"]`, its options as fields, and `change`. One that asks a model is a
    `ModelAugmentationSection` too, which has the field `model`, and overrides `build` instead. torch is imported inside
    these methods, since reading a recipe imports the file.
    """

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        """A changed text. One that can't be changed, for example of a single word, may come back as it is.

        Args:
            random: the only source of chance, so that the copy depends on the seed, its row and its number alone.
            corpus: words and texts of the training split.
        """
        raise NotImplementedError

    def build(self, model: Path | None) -> Change:
        """What changes many texts at once. A text's change must not depend on the texts beside it.

        Args:
            model: the folder of the model that the field `model` names; None without one.
        """

        def change(texts: Sequence[str], randoms: Sequence[Generator], corpus: Corpus) -> list[str]:
            return [self.change(text, random, corpus) for text, random in zip(texts, randoms, strict=True)]

        return change
