"""Replace words by other words of the training texts."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share, draw_places
from compressor.data.corpus import Corpus
from compressor.data.words import Words

__all__ = ["COMPONENT", "RandomWords"]


class RandomWords(AugmentationConfig):
    """Words drawn by their frequency in the training texts take the place of others.

    Source: Tang et al. 2019, "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", section 3.3
    (arXiv 1903.12136), without its tags of parts of speech.
    """

    kind: Literal["random-words"] = Field(description="Replace words by others of the training texts.")
    share: Share = Field(0.15, description="How likely each word is replaced; one always is, unless it is 0.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        words = Words.of(text)
        places = draw_places(random, len(words), self.share)
        return words.replaced({place: corpus.draw_word(random) or words.words[place] for place in places}).text


COMPONENT = RandomWords
