"""Let neighbouring words change places."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share, draw_places
from compressor.data.corpus import Corpus
from compressor.data.words import Words

__all__ = ["COMPONENT", "SwapWords"]


class SwapWords(AugmentationConfig):
    """Two words that stand side by side change places; space and punctuation stay where they are."""

    kind: Literal["swap-words"] = Field(description="Let neighbouring words change places.")
    share: Share = Field(
        0.15, description="How likely each word changes places with the next one; one always does, unless it is 0."
    )

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        words = Words.of(text)
        places = list(words.words)
        for place in draw_places(random, max(0, len(words) - 1), self.share):
            places[place], places[place + 1] = places[place + 1], places[place]
        return words.replaced(dict(enumerate(places))).text


COMPONENT = SwapWords
