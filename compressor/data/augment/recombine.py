"""Join the beginning of a text to the end of another."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig
from compressor.data.corpus import Corpus
from compressor.data.words import Words

__all__ = ["COMPONENT", "Recombine"]


class Recombine(AugmentationConfig):
    """The first part of the text and the last part of another one; where both are cut is drawn, around the middle."""

    kind: Literal["recombine"] = Field(description="Join the beginning of a text to the end of another.")

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        other = Words.of(corpus.draw_text(random))
        words = Words.of(text)
        cut = random.uniform(0.25, 0.75)
        first, last = round(cut * len(words)), round(cut * len(other))
        if not 0 < first < len(words) or last >= len(other):
            return text
        start = words.gaps[0] + words.between(0, first)
        return f"{start} {other.between(last, len(other))}{other.gaps[-1]}".rstrip()


COMPONENT = Recombine
