"""Put letters of another script that look the same in the place of some."""

from __future__ import annotations

from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus

__all__ = ["ALIKE", "COMPONENT", "LookAlikes"]

ALIKE = dict(zip("aceopxyABEHKMOPCTX", "асеорхуАВЕНКМОРСТХ", strict=True))  # noqa: RUF001  # Cyrillic, as meant
"""Latin -> Cyrillic. Source: the confusables of Unicode Technical Standard 39."""


class LookAlikes(AugmentationConfig):
    """Some Latin letters become Cyrillic ones that look the same, as filters are evaded."""

    kind: Literal["look-alikes"] = Field(description="Put Cyrillic letters in the place of Latin ones.")
    share: Share = Field(0.1, description="How likely each letter that has a look-alike is replaced.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        hit = random.random(len(text)) < self.share
        return "".join(ALIKE.get(c, c) if h else c for c, h in zip(text, hit, strict=True))


COMPONENT = LookAlikes
