"""Put accents on vowels."""

from __future__ import annotations

import unicodedata
from typing import Literal

from numpy.random import Generator
from pydantic import Field

from compressor.data.augment.base import AugmentationConfig, Share
from compressor.data.corpus import Corpus

__all__ = ["COMPONENT", "Accents"]

_ACUTE = {vowel: unicodedata.normalize("NFC", f"{vowel}\N{COMBINING ACUTE ACCENT}") for vowel in "aeiouAEIOU"}


class Accents(AugmentationConfig):
    """Some vowels get an accent: a person reads the same, and filters are evaded."""

    kind: Literal["accents"] = Field(description="Put accents on vowels.")
    share: Share = Field(0.1, description="How likely each vowel gets one.")

    @property
    def keeps_words(self) -> bool:
        return True

    def change(self, text: str, random: Generator, corpus: Corpus) -> str:
        hit = random.random(len(text)) < self.share
        return "".join(_ACUTE.get(c, c) if h else c for c, h in zip(text, hit, strict=True))


COMPONENT = Accents
