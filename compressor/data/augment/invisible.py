"""Put characters without width inside of words."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus

__all__ = ["COMPONENT", "Invisible"]

_INVISIBLE = "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{SOFT HYPHEN}"


class Invisible(AugmentationConfig):
    """Behind some letters stands a zero-width character or a soft hyphen, which nobody sees."""

    kind: Literal["invisible"] = Field(description="Put zero-width characters and soft hyphens behind letters.")
    share: Share = Field(0.05, description="How likely each letter has one behind it.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        hit = random.random(len(text)) < self.share
        return "".join(
            c + _INVISIBLE[int(random.integers(len(_INVISIBLE)))] if h and c.isalpha() else c
            for c, h in zip(text, hit, strict=True)
        )


COMPONENT = Invisible
