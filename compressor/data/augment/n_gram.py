"""Take some neighbouring words of a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig
from compressor.data.corpus import Corpus
from compressor.data.words import Words
from compressor.errors import Problem

__all__ = ["COMPONENT", "NGram"]

Length = Annotated[int, Field(ge=1)]


class NGram(AugmentationConfig):
    """A few words that stand together, without the rest.

    Source: Tang et al. 2019, section 3.3 (arXiv 1903.12136).
    """

    kind: Literal["n-gram"] = Field(description="Take some neighbouring words and nothing else.")
    shortest: Length = Field(1, description="Fewest words.")
    longest: Length = Field(5, description="Most words.")

    def problems(self) -> Iterator[Problem]:
        if self.longest < self.shortest:
            yield Problem(f"is less than shortest, which is {self.shortest}", "longest")

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        words = Words.of(text)
        length = int(random.integers(self.shortest, self.longest + 1))
        if length >= len(words):
            return text
        start = int(random.integers(len(words) - length + 1))
        return words.between(start, start + length)


COMPONENT = NGram
