"""Leave out some words that stand together."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus
from compressor.data.words import Words

__all__ = ["COMPONENT", "DeleteSpan"]


class DeleteSpan(AugmentationConfig):
    """A span of words goes; the rest stays as it was."""

    kind: Literal["delete-span"] = Field(description="Leave out some words that stand together.")
    share: Share = Field(0.4, description="Longest span, as a share of the text's words. One word always stays.")

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        words = Words.of(text)
        longest = min(round(self.share * len(words)), len(words) - 1)
        if longest < 1:
            return text
        length = int(random.integers(1, longest + 1))
        start = int(random.integers(len(words) - length + 1))
        return words.without(start, start + length).text


COMPONENT = DeleteSpan
